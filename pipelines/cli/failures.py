"""What went wrong, as a user reads it: one message, one exit code. Not here: raising errors."""

import errno
import sqlite3
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Problem, SrtError, StorageError
from pipelines.cli.output import grid, note, put, say

if TYPE_CHECKING:
    import click

EXIT_CODES = {
    0: "done",
    1: "unexpected error",
    2: "usage",
    3: "plan or request error",
    4: "read error",
    5: "contract failure: the data are withheld",
    6: "estimation failure",
    7: "storage error",
    8: "busy: another run of the trial",
    130: "stopped by the user",
}
STORAGE = {
    errno.ENOSPC: "There is no space left on the disk",
    errno.EDQUOT: "The disk quota is used up",
    errno.EROFS: "The disk is read-only",
    errno.EACCES: "There is no right to write here",
    errno.EPERM: "There is no right to write here",
    errno.ENOTDIR: "A file stands where a folder is needed",
    errno.EEXIST: "A file stands where a folder is needed",
}
SQLITE = {
    "database or disk is full": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
    "unable to open database file": errno.EACCES,
    "disk I/O error": errno.ENOSPC,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is shown: its family, a sentence, the problems, and the exit code."""

    status: str
    exit_code: int
    summary: str
    problems: tuple[Problem, ...] = ()

    def as_json(self, trial: str = "") -> dict[str, Any]:
        """Return the object that `--json` prints in place of a result."""
        keys = ("where", "found", "expected", "remedy")
        problems = [{key: getattr(problem, key) for key in keys} for problem in self.problems]
        error = {"exit_code": self.exit_code, "summary": self.summary, "problems": problems}
        return {"trial": trial, "status": self.status, "error": error}


def failure_of(error: BaseException) -> Failure:
    """Return what to tell of an error: its own words when it is ours, ours for a disk's, else a log."""
    for link in _chain(error):
        if isinstance(link, SrtError):
            return of_srt_error(link)
        if (storage := storage_error(link)) is not None:
            return of_srt_error(storage)
    return _unexpected(error)


def of_srt_error(error: SrtError) -> Failure:
    """Return one of our own errors as a failure."""
    return Failure(error.family, error.exit_code, error.summary, error.problems)


def of_usage(error: "click.ClickException") -> Failure:
    """Return a mistake in the command line as a failure."""
    return Failure("usage error", error.exit_code, error.format_message())


def storage_error(error: BaseException) -> StorageError | None:
    """Return the trouble of a disk, or of the state folder, as a StorageError, else None."""
    number, path = _errno_of(error)
    why = STORAGE.get(number or 0) or _of_the_state_folder(error, path)
    if not why:
        return None
    remedy = (
        "Free some space"
        if number in {errno.ENOSPC, errno.EDQUOT}
        else "Mend the rights, or set SRT_HOME elsewhere"
    )
    problem = Problem(
        path or "the state folder",
        why[0].lower() + why[1:],
        "a folder that can be written",
        f"{remedy}, then run again; what was there before is untouched. `srt doctor` checks every folder.",
    )
    return StorageError(f"{why}.", [problem])


def _of_the_state_folder(error: BaseException, path: str) -> str:
    """Return what the system says of a path at, below or on the way to SRT_HOME; empty for any other."""
    from pipelines.home import find_home

    root = find_home().root
    near = bool(path) and (Path(path).is_relative_to(root) or root.is_relative_to(path))
    return str(getattr(error, "strerror", "") or "") if near else ""


def _errno_of(error: BaseException) -> tuple[int | None, str]:
    if isinstance(error, OSError):
        return error.errno, str(error.filename or "")
    if isinstance(error, sqlite3.OperationalError):
        return next((code for text, code in SQLITE.items() if text in str(error)), None), "Dagster's database"
    return None, ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _unexpected(error: BaseException) -> Failure:
    written = _log(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "the program"
    remedy = "This is a fault of the program: please report it"
    remedy += f", with {written}." if written else "."
    problem = Problem(where, type(error).__name__, "no error", remedy)
    return Failure("unexpected error", 1, "Something went wrong that srt did not foresee.", (problem,))


def _log(error: BaseException) -> Path | None:
    """Write where the error arose below SRT_HOME, for its owner's eyes only; on stderr when that fails."""
    text = "".join(_places(error))
    try:
        from pipelines.home import find_home

        folder = find_home().logs
        folder.mkdir(parents=True, exist_ok=True)
        path = Path(folder) / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-error.txt"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    except Exception:  # noqa: BLE001  the log is the last resort: nothing may go wrong after it
        say(text, stderr=True)
        return None
    return path


def _places(error: BaseException) -> Iterator[str]:
    """Yield the kind of each error behind one and where it arose; never its text, which may quote the data."""
    for link in _chain(error):
        yield f"{type(link).__name__}\n{''.join(traceback.format_tb(link.__traceback__))}\n"


def show(failure: Failure) -> None:
    """Print a failure on stderr: what, then a block per problem."""
    say(stderr=True)
    say(f"{failure.status.capitalize()}: {failure.summary}", "bold red", stderr=True)
    for number, problem in enumerate(failure.problems, start=1):
        say(stderr=True)
        say(
            f"  {number}. {problem.where}" if len(failure.problems) > 1 else f"  {problem.where}",
            "bold",
            stderr=True,
        )
        lines = [("found", problem.found), ("expected", problem.expected), ("to do", problem.remedy)]
        put(grid([line for line in lines if line[1]], indent=5), stderr=True)
    say(stderr=True)
    note(f"exit code {failure.exit_code} ({EXIT_CODES.get(failure.exit_code, failure.status).split(':')[0]})")
