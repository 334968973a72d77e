"""TOML in, valid trials and instruments out; every mistake of a file at once. Not here: reading data."""

import hashlib
import os
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from data_contracts.errors import PlanError, Problem
from data_contracts.instrument import Instrument
from data_contracts.plain_words import told
from data_contracts.references import broken_references
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

M = TypeVar("M", Trial, Instrument)
HERE = Path(__file__).parent
SHIPPED_TRIALS = HERE / "trials"
SHIPPED_INSTRUMENTS = HERE / "instruments"


def trial_folders() -> tuple[Path, ...]:
    """Return the folders that hold trial files: those in SRT_TRIALS first, then the shipped one."""
    own = os.environ.get("SRT_TRIALS", "")
    return (*(Path(p).expanduser() for p in own.split(os.pathsep) if p), SHIPPED_TRIALS)


def trial_files() -> Mapping[str, Path]:
    """Return the trial files by trial name; a unit's own file wins over a shipped one."""
    found: dict[str, Path] = {}
    for folder in trial_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_trial(name: str) -> Path:
    """Return a trial's file.

    Raises:
        PlanError: no trial has that name.
    """
    files = trial_files()
    if name not in files:
        raise unknown_trial(name, files, "`srt new-trial NAME` starts a trial of your own.")
    return files[name]


def unknown_trial(name: str, known: Iterable[str], remedy: str) -> PlanError:
    """Return the error that says which trials there are, and where they were looked for."""
    looked = "; ".join(_looked_in(folder) for folder in trial_folders())
    problem = Problem(
        "trial",
        repr(name),
        f"one of: {', '.join(known)}",
        f"{remedy} Trial files were looked for in {looked}.",
    )
    return PlanError(f"There is no trial named {name!r}.", [problem])


def _looked_in(folder: Path) -> str:
    if folder == SHIPPED_TRIALS:
        return "the shipped examples"
    return str(folder) if folder.is_dir() else f"{folder} (of SRT_TRIALS: there is no such folder)"


def load_trial(path: Path, estimators: Collection[str] | None = None) -> Trial:
    """Return the trial a file declares, with its instruments and plan hash.

    Args:
        path: The TOML file; `extends = "other"` at its top takes over another trial's plan, of which it
            may replace single values (title, seed …) but no table.
        estimators: The names an analysis may use; None leaves them unchecked.

    Raises:
        PlanError: the file has mistakes; all of them are listed.
    """
    raw, texts, problems = _with_base(path, estimators)
    instruments, instrument_texts, more = _instruments_of(raw, path)
    raw = {"name": path.stem, **raw, "instruments": instruments}
    raw["plan_hash"] = hashlib.sha256(b"\0".join([*texts, *instrument_texts])).hexdigest()
    trial, found = _build(Trial, raw, path.name)
    problems += [*more, *_references(raw, path.name, estimators, found), *found]
    if trial is None or problems:
        count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise PlanError(f"{path.name} has {count}; nothing was run.", problems)
    return trial


def _references(
    raw: dict[str, Any], where: str, estimators: Collection[str] | None, found: list[Problem]
) -> list[Problem]:
    """Return the names that point at nothing; none where mistakes found already keep them from being followed.

    A list where a name belongs can be looked up nowhere; that it is a list is among what was found.
    """
    try:
        return broken_references(raw, where, estimators)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        if not found:
            raise
        return []


@cache
def load_instrument(name: str) -> tuple[Instrument, bytes]:
    """Return an instrument and its file's bytes.

    Raises:
        PlanError: no such instrument, or its file has mistakes.
    """
    path = _instrument_files().get(name)
    if path is None:
        known = ", ".join(_instrument_files())
        raise PlanError(
            f"There is no instrument named {name!r}.", [Problem("instrument", name, f"one of: {known}")]
        )
    raw, text = _toml(path)
    instrument, problems = _build(Instrument, {"name": path.stem, **raw}, path.name)
    if instrument is None:
        raise PlanError(f"{path.name} has mistakes.", problems)
    return instrument, text


def _instrument_files() -> Mapping[str, Path]:
    folders = [folder / "instruments" for folder in trial_folders()[:-1]] + [SHIPPED_INSTRUMENTS]
    return {p.stem: p for folder in reversed(folders) for p in sorted(folder.glob("*.toml"))}


def _toml(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        text = path.read_bytes()
        return tomllib.loads(text.decode("utf-8")), text
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = Problem(
            path.name, str(error), "TOML in UTF-8", "Mend the line named; the rest was not read."
        )
        raise PlanError(f"{path.name} is not valid TOML.", [problem]) from None
    except OSError as error:
        raise PlanError(f"{path.name} can't be read: {error.strerror}.") from None


def _with_base(
    path: Path, estimators: Collection[str] | None
) -> tuple[dict[str, Any], list[bytes], list[Problem]]:
    """Return a trial file laid over the one it extends, the bytes of both, and what it may not replace."""
    raw, text = _toml(path)
    if "extends" not in raw:
        return raw, [text], []
    base = _base_path(path, raw.pop("extends"))
    base_raw, base_text = _toml(base)
    if "extends" in base_raw:
        problem = Problem(
            f"{path.name}, extends", f"{base.name}, which itself extends a trial", "a trial that does not"
        )
        raise PlanError(f"{path.name} has a mistake; nothing was run.", [problem])
    load_trial(base, estimators)  # so that its mistakes are reported under its own name
    tables = [key for key, value in raw.items() if isinstance(value, dict | list)]
    expected = "single values only, in a trial that extends another"
    problems = [
        Problem(f"{path.name}, {key}", "a table or list", expected, "Copy the whole file.") for key in tables
    ]
    base_raw.pop("name", None)
    return {**base_raw, **{k: v for k, v in raw.items() if k not in tables}}, [text, base_text], problems


def _base_path(path: Path, base: object) -> Path:
    """Return the file of the trial that `path` extends: beside it, else by name."""
    name = str(base)
    beside = path.with_name(f"{name}.toml")
    if beside != path and beside.is_file():
        return beside
    files = {k: p for k, p in trial_files().items() if k != path.stem}
    if name not in files:
        problem = Problem(
            f"{path.name}, extends", repr(base), f"the name of another trial, one of: {', '.join(files)}"
        )
        raise PlanError(f"{path.name} has a mistake; nothing was run.", [problem])
    return files[name]


def _instruments_of(raw: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[bytes], list[Problem]]:
    """Return the instruments a trial's forms use, their files' bytes, and who is missing."""
    forms = raw.get("forms")
    tables = [f for f in forms.values() if isinstance(f, dict)] if isinstance(forms, dict) else []
    names = sorted({n for f in tables if isinstance(f.get("instruments"), dict) for n in f["instruments"]})
    loaded, texts = {}, []
    problems: list[Problem] = []
    for name in names:
        try:
            loaded[name], text = load_instrument(name)
            texts.append(text)
        except PlanError as error:
            problems += error.problems or [Problem(path.name, name, "a declared instrument")]
    return loaded, texts, problems


def _build(model: type[M], raw: dict[str, Any], where: str) -> tuple[M | None, list[Problem]]:
    from pydantic import ValidationError

    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, _problems_of(error, where, model)


def _problems_of(error: "ValidationError", where: str, model: type[M]) -> list[Problem]:
    """Return pydantic's findings as problems, the key first; what only follows from another is left out."""
    findings = error.errors(include_url=False)
    problems = []
    for finding in findings:
        if not _follows(finding, findings):
            key = ".".join(str(part) for part in finding["loc"]) or "(top level)"
            problems.append(Problem(f"{where}, {key}", *told(finding, model)))
    return problems


def _follows(finding: "ErrorDetails", findings: "list[ErrorDetails]") -> bool:
    """Say whether a list is too short only because entries of it have mistakes of their own."""
    loc = finding["loc"]
    if finding["type"] != "too_short":
        return False
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in findings)
