"""`srt simulate` and `srt example`: data into a landing folder. Not here: making them (landing_data)."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.arguments import Force, TrialName, load
from pipelines.cli.output import counted, note, say, shown

if TYPE_CHECKING:
    from data_contracts.spec import Trial


def simulate(trial: TrialName, force: Force = False) -> None:
    """Write the invented exports of a synthetic trial.

    TRIAL is a name from `srt trials`. The files go into its landing folder.
    """
    plan = load(trial)
    if not plan.synthetic:
        raise _wrong_command(
            plan, "is not declared synthetic", "a trial with `synthetic = true`", _instead(plan, "example")
        )
    _make(plan, force=force)


def example(trial: TrialName, force: Force = False) -> None:
    """Write the published data of a shipped example.

    TRIAL is a name from `srt trials`. The files go into its landing folder.
    """
    plan = load(trial)
    if plan.synthetic or not _can_be_made(plan):
        expected = "a shipped example with published data, such as beat_the_blues"
        raise _wrong_command(plan, "has no published data", expected, _instead(plan, "simulate"))
    _make(plan, force=force)


def waits_for_data(plan: "Trial") -> bool:
    """Say whether a trial is an example whose landing folder is empty."""
    return not arrived(_landing(plan.name)) and _can_be_made(plan)


def ensure_data(plan: "Trial") -> None:
    """Make the data of an example when its landing folder is empty, and say so on stderr."""
    if not waits_for_data(plan):
        return
    landing = _landing(plan.name)
    kind = "invented" if plan.synthetic else "published"
    note(f"The landing folder of {plan.name} is empty: making its {kind} data first.")
    files = fill(plan, landing)
    note(f"  {counted(len(files), 'file')} in {shown(landing)}")


def arrived(landing: Path) -> list[Path]:
    """Return the data files in a landing folder; hidden ones and manifests don't count."""
    from data_contracts.readers.find import data_files

    return [landing / name for name in data_files(landing)] if landing.is_dir() else []


def fill(plan: "Trial", landing: Path) -> list[Path]:
    """Make a trial's data beside the landing folder, then move them in: never a half-written file."""
    from pipelines.home import find_home
    from pipelines.landing_data import make_data

    find_home().ready()  # a new state folder is its owner's alone from its first file on
    landing.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".tmp_{plan.name}_", dir=landing.parent) as made:
        make_data(plan.name, Path(made))
        for entry in sorted(Path(made).iterdir()):
            entry.replace(landing / entry.name)
    return arrived(landing)


def _make(plan: "Trial", *, force: bool) -> None:
    landing = _landing(plan.name)
    old = arrived(landing)
    if old and not force and _holds_the_same(plan, landing, old):
        _list(old)
        note(f"Already there, the same: {counted(len(old), 'file')}; nothing was written.")
        return
    if old:
        _set_aside(plan, landing, old, force=force)
    _list(fill(plan, landing))


def _list(files: list[Path]) -> None:
    for path in files:
        say(f"{path.stat().st_size:>10,} bytes  {shown(path)}")


def _holds_the_same(plan: "Trial", landing: Path, old: list[Path]) -> bool:
    """Say whether the files are byte by byte those that would be written."""
    from pipelines.landing_data import make_data

    with tempfile.TemporaryDirectory(prefix=f"srt_{plan.name}_") as made:
        make_data(plan.name, Path(made))
        new = {path.relative_to(made): path.read_bytes() for path in arrived(Path(made))}
    return new == {path.relative_to(landing): path.read_bytes() for path in old}


def _set_aside(plan: "Trial", landing: Path, old: list[Path], *, force: bool) -> None:
    from data_contracts.errors import Problem, StorageError

    if not force:
        remedy = "With --force they are moved to a folder beside it, and new ones written."
        problem = Problem(str(landing), counted(len(old), "file"), "an empty landing folder", remedy)
        raise StorageError(
            f"The landing folder of {plan.name} holds data already; nothing was changed.", [problem]
        )
    kept = landing.with_name(f"{plan.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    landing.rename(kept)
    note(f"The {counted(len(old), 'old file')} went to {shown(kept)}")


def _landing(trial: str) -> Path:
    from pipelines.home import find_home

    return find_home().landing(trial)


def _can_be_made(plan: "Trial") -> bool:
    from pipelines.landing_data import can_make_data

    return can_make_data(plan)


def _instead(plan: "Trial", command: str) -> str:
    if _can_be_made(plan):
        return f"`srt {command} {plan.name}` makes its data."
    return f"Put its export into {_landing(plan.name)}."


def _wrong_command(plan: "Trial", found: str, expected: str, remedy: str) -> Exception:
    from data_contracts.errors import PlanError, Problem

    return PlanError(
        f"{plan.name} {found}; nothing was written.", [Problem("TRIAL", repr(plan.name), expected, remedy)]
    )
