"""Which landing file belongs to which form. Not here: opening them."""

import os
import unicodedata
from pathlib import Path, PurePosixPath

from data_contracts.errors import Problem, ReadError
from data_contracts.manifest import is_data
from data_contracts.spec import Form, Trial


def find_sources(landing: Path, trial: Trial) -> dict[str, Path]:
    """Return each form's file; optional forms without a file are left out.

    Raises:
        ReadError: the folder is empty, or forms have no file or several; all of them are listed.
    """
    sources, problems = match_sources(landing, trial)
    if problems:
        raise ReadError(f"Not every form of {trial.name} has its file.", problems)
    return sources


def match_sources(landing: Path, trial: Trial) -> tuple[dict[str, Path], list[Problem]]:
    """Return each form's file, and the forms that have none or several.

    Raises:
        ReadError: there is no file at all in the landing folder.
    """
    names = data_files(landing)
    if not names:
        raise _empty_folder(trial)
    sources, problems = dict[str, Path](), []
    for form in trial.forms.values():
        matching = [name for name in names if _matches(name, form.file)]
        if len(matching) == 1:
            sources[form.name] = landing / matching[0]
        elif matching or form.required:
            problems.append(_not_one_file(trial, form, matching))
    return sources, problems


def data_files(landing: Path) -> list[str]:
    """Return the names of the data files below a folder, relative to it.

    Hidden files, manifests and other markers, and copies under way are none. A link to a file counts as the
    file; a link to a folder is not followed. A folder that vanishes meanwhile holds nothing.

    Raises:
        ReadError: a folder can't be looked into.
    """
    paths = [Path(folder, name) for folder, _, names in os.walk(landing, onerror=_unseen) for name in names]
    below = [path.relative_to(landing) for path in paths if path.is_file()]
    return sorted(path.as_posix() for path in below if is_data(path))


def _unseen(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return
    where = f"landing/…/{Path(str(error.filename)).name}"
    problem = Problem(where, f"a folder that can't be opened ({error.strerror})", "one that can be read")
    raise ReadError("The landing folder can't be looked into.", [problem]) from None


def _matches(name: str, pattern: str) -> bool:
    # Regardless of case: SPSS on Windows writes .SAV and .sav alike. A Mac writes é as two characters.
    path, wanted = (PurePosixPath(unicodedata.normalize("NFC", n).casefold()) for n in (name, pattern))
    return len(path.parts) == len(wanted.parts) and path.match(str(wanted))


def _not_one_file(trial: Trial, form: Form, matching: list[str]) -> Problem:
    where = f"landing/{trial.name}, form {form.name}"
    if not matching:
        return Problem(where, f"no file {form.file}", "one", "Put the export there.")
    found = f"{len(matching)} files that match {form.file} ({', '.join(matching)})"
    return Problem(where, found, "one", "Move all but the newest export out of the folder.")


def _empty_folder(trial: Trial) -> ReadError:
    expected = ", ".join(form.file for form in trial.forms.values() if form.required)
    remedy = (
        f"`srt simulate {trial.name}` writes its synthetic exports."
        if trial.synthetic
        else "Put the exports there (`srt example` writes those of a shipped example)."
    )
    problem = Problem(f"landing/{trial.name}", "no files", expected, remedy)
    return ReadError(f"The landing folder of {trial.name} is empty.", [problem])
