"""What stands beside a delivered file and speaks for it: manifests, checksum lists, `.done`.

Which names are data and which are not is said here too. Not here: whether a file has arrived (arrival),
comparing its contents with what was said (readers.careful).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from data_contracts.errors import Problem, ReadError

MANIFEST, DONE, SUMS = ".manifest.json", ".done", "SHA256SUMS"
MARKERS = (MANIFEST, DONE)
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".swp")
SHA256 = re.compile(r"[0-9a-f]{64}")
SUMS_LINE = re.compile(r"(?P<sha256>[0-9a-fA-F]{64}) [ *](?P<name>.+)")
EXPECTED = 'a JSON object such as {"sha256": "…64 hex digits…", "size": 12345, "rows": 300}'


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a sender says of a file; None where nothing is said."""

    sha256: str | None = None
    size: int | None = None  # bytes
    rows: int | None = None  # records

    @property
    def vouches(self) -> bool:
        """Return whether the contents are vouched for, so that a file that agrees is a whole one."""
        return self.sha256 is not None


def is_data(name: PurePath) -> bool:
    """Return whether a name is that of data: not hidden, no marker, no copy under way, no office lock."""
    if _is_hidden(name) or speaks_for_data(name):
        return False
    return not name.name.lower().endswith(UNFINISHED)


def speaks_for_data(name: PurePath) -> bool:
    """Return whether a name is that of a manifest, a checksum list or a `.done`."""
    is_marker = name.name.lower().endswith(MARKERS) or name.name.upper() == SUMS
    return is_marker and not _is_hidden(name)


def _is_hidden(name: PurePath) -> bool:
    return any(part.startswith((".", "~$")) for part in name.parts)


def beside(path: Path, marker: str) -> Path:
    """Return the path of a file's marker."""
    return path.with_name(path.name + marker)


def manifest_of(path: Path, where: str) -> Manifest:
    """Return what stands beside a file: its own manifest, and its line in the folder's SHA256SUMS.

    Raises:
        ReadError: what stands there can't be read, or the two contradict each other.
    """
    own, listed = _own(beside(path, MANIFEST), where), _listed(path, where)
    if own.sha256 and listed and own.sha256 != listed:
        found = f"another SHA-256 in {path.name}{MANIFEST} than in {SUMS}"
        raise _refused(where, found, "the same in both", "Ask the sender which file is meant.")
    return Manifest(own.sha256 or listed, own.size, own.rows)


def manifest_bytes(sha256: str, size: int, rows: int | None = None) -> bytes:
    """Return the contents of a manifest, as the shipped writers put it beside their files."""
    said = {"sha256": sha256, "size": size, **({} if rows is None else {"rows": rows})}
    return (json.dumps(said) + "\n").encode()


def _own(path: Path, where: str) -> Manifest:
    if (data := _contents(path, where)) is None:
        return Manifest()
    try:
        said = json.loads(data)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not (said.keys() & {"sha256", "size", "rows"}):
        raise _refused(f"{where}{MANIFEST}", "something else", EXPECTED)
    if wrong := list(_wrong(said)):
        raise _refused(f"{where}{MANIFEST}", f"no usable {' and no usable '.join(wrong)}", EXPECTED)
    sha256 = said.get("sha256")
    return Manifest(sha256 and sha256.lower(), said.get("size"), said.get("rows"))


def _wrong(said: dict[str, Any]) -> Iterator[str]:
    sha256 = said.get("sha256")
    if sha256 is not None and not (isinstance(sha256, str) and SHA256.fullmatch(sha256.lower())):
        yield "sha256"
    for name in ("size", "rows"):
        number = said.get(name)
        if number is not None and not (type(number) is int and number >= 0):
            yield name


def _listed(path: Path, where: str) -> str | None:
    """Return a file's SHA-256 in the list of its folder; None where there is no list or it is not in it."""
    if (data := _contents(path.with_name(SUMS), where)) is None:
        return None
    lines = [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    said = [SUMS_LINE.fullmatch(line.strip()) for line in lines]
    if (bad := next((n for n, line in enumerate(said, 1) if line is None), 0)) > 0:
        raise _refused(f"{where}, {SUMS} beside it", f"no checksum in line {bad}", "lines of sha256sum")
    named = [one["sha256"].lower() for one in said if one and one["name"].removeprefix("./") == path.name]
    return named[-1] if named else None


def _contents(path: Path, where: str) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        found = f"a file that can't be opened ({error.strerror})"
        raise _refused(f"{where}, {path.name} beside it", found, "one to read") from None


def _refused(where: str, found: str, expected: str, remedy: str = "Deliver it again.") -> ReadError:
    return ReadError(f"{where} can't be taken in.", [Problem(where, found, expected, remedy)])
