"""Who may read the state folder: rights of what is written, and what is wrong with them. Not here: doctor."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import StorageError

if TYPE_CHECKING:
    from pipelines.home import Home

MINE = 0o077  # nothing for the group, nothing for others
SECRET = (
    "allocation",
    "audit",
    "closed",
    "custody",
    "keys",
)  # folders of the state folder for its owner alone
VALUES = ("store", "nights", "reports", "landing", "logs", "dagster")  # not for everybody on the machine
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Exposed:
    """A path that people may read who should not."""

    path: Path
    found: str  # such as 0755
    expected: str


def keep_to_owner() -> None:
    """Let this process's new files be its owner's alone, or as SRT_UMASK has it (027: the group reads).

    Raises:
        StorageError: SRT_UMASK is no octal number.
    """
    wanted = os.environ.get("SRT_UMASK", "077")
    try:
        os.umask(int(wanted, 8) & 0o777)
    except ValueError:
        raise StorageError(f"SRT_UMASK={wanted} is no umask; give three octal digits, as 077.") from None


@contextmanager
def only_mine() -> Iterator[None]:
    """Write what only the owner may read, whatever SRT_UMASK says."""
    usual = os.umask(MINE)
    try:
        yield
    finally:
        os.umask(usual)


def private_folder(folder: Path) -> Path:
    """Return a folder, made for its owner alone.

    Raises:
        StorageError: it can't be made.
    """
    try:
        with only_mine():
            folder.mkdir(parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & MINE:
            folder.chmod(0o700)
    except OSError as error:
        raise StorageError(f"{folder} can't be kept to its owner: {error.strerror}.") from None
    return folder


def permission_problems(home: "Home") -> list[Exposed]:
    """Return what people may read who should not: secrets by anybody else, values by everybody.

    At most 20 paths are named; a folder that is closed hides what is in it.
    """
    if os.name != "posix":
        return []
    secret = [*(home.root / name for name in SECRET), *sorted(home.root.glob("reports/*/data"))]
    found = [one for folder in secret for one in _open_to(folder, MINE, "0700")]
    if not _mode(home.root) & 0o007:
        return found[:MOST_NAMED]
    found += [one for name in VALUES for one in _open_to(home.root / name, 0o007, "nothing for others")][:1]
    return found[:MOST_NAMED]


def _open_to(path: Path, whom: int, expected: str) -> Iterator[Exposed]:
    """Yield a folder that lets people in, and the files in it that they can read."""
    if not path.is_dir() or not _mode(path) & whom:
        return
    yield Exposed(path, f"{_mode(path):04o}", expected)
    for below in sorted(path.rglob("*")):
        if below.is_file() and _mode(below) & whom:
            yield Exposed(below, f"{_mode(below):04o}", "0600" if whom == MINE else expected)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
