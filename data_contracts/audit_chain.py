"""A log whose lines vouch for each other: entries, their hashes, what is wrong with a log. Not here: its file.

Each line is JSON and holds the hash of the line before it, so that a line can't be changed, taken out, put in
or moved without every later hash being wrong. How many lines there should be is kept beside the log (`Head`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

START = "0" * 64  # the hash before the first line


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    seq: int  # 1, 2, …
    time: str  # UTC, ISO 8601
    who: str
    what: str
    trial: str = ""
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    prev: str = START
    hash: str = ""

    def sealed(self) -> "Entry":
        """Return the entry with its hash."""
        parts = {**asdict(self), "facts": dict(self.facts)}
        return Entry(**{**parts, "hash": hash_of(parts)})

    def line(self) -> bytes:
        """Return the line as it stands in the log."""
        return _canonical(asdict(self)) + b"\n"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends: kept in a file of its own, in locks and in results, so that a cut end is found."""

    count: int = 0
    hash: str = START
    size: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a line of the log."""

    line: int  # 0 where no line can be named
    what: str

    def __str__(self) -> str:
        """Return the flaw as a sentence's beginning."""
        return f"line {self.line}: {self.what}" if self.line else self.what


def hash_of(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry's canonical JSON without its own hash."""
    return hashlib.sha256(_canonical({k: v for k, v in parts.items() if k != "hash"})).hexdigest()


def _canonical(parts: Mapping[str, Any]) -> bytes:
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entries(log: bytes) -> Iterator[Entry]:
    """Yield the entries of the lines that can be read."""
    for line in log.splitlines():
        if isinstance(found := _entry(line), Entry):
            yield found


def flaws(log: bytes, head: Head, witnesses: Mapping[str, str] | None = None) -> list[Flaw]:
    """Return what is wrong with a log, line by line; nothing when it is whole.

    Args:
        log: The log's bytes.
        head: Where the log should end. One whole line after it is right: its writer was stopped in between.
        witnesses: Hashes of lines that others have kept, and who keeps each.
    """
    lines = log.split(b"\n")
    torn = lines.pop()
    found = list(_broken_lines(lines))
    if torn:
        found.append(Flaw(len(lines) + 1, "it has no end: its writer was stopped, or the end was cut"))
    known = {entry.hash for entry in entries(log)}
    found += _end(lines, head, known)
    found += [
        Flaw(0, f"the line that {keeper} vouches for ({sha256[:12]}…) is not in the log")
        for sha256, keeper in (witnesses or {}).items()
        if sha256 not in known
    ]
    return found


def _broken_lines(lines: Sequence[bytes]) -> Iterator[Flaw]:
    """Yield a flaw for each line that is not itself, or does not follow the one before it."""
    before = START
    for number, line in enumerate(lines, start=1):
        entry = _entry(line)
        if not isinstance(entry, Entry):
            yield Flaw(number, entry)
            before = ""
            continue
        if entry.hash != hash_of(asdict(entry)):
            yield Flaw(number, "its contents are not those that were written")
        elif before and entry.prev != before:
            yield _out_of_place(entry, number)
        before = entry.hash


def _out_of_place(entry: Entry, number: int) -> Flaw:
    if entry.seq > number:
        return Flaw(number, f"it was line {entry.seq}: a line before it was taken out, or moved")
    if entry.seq < number:
        return Flaw(number, f"it was line {entry.seq}: a line was put in before it, or moved")
    return Flaw(number - 1, "it is not the line that the next one was written after")


def _end(lines: Sequence[bytes], head: Head, known: set[str]) -> Iterator[Flaw]:
    if len(lines) < head.count:
        last = f"{head.count - len(lines)} of {head.count} lines are missing at the end"
        yield Flaw(len(lines) + 1, last)
    elif head.count and head.hash not in known:
        yield Flaw(head.count, "it is not the line that ended the log when it was written")
    elif len(lines) > head.count + 1:
        yield Flaw(head.count + 2, "it and what follows were not written by this program")


def _entry(line: bytes) -> Entry | str:
    """Return a line's entry, or what is wrong with the line."""
    try:
        parts = json.loads(line)
        entry = Entry(**parts)
    except (ValueError, TypeError):
        return "it is no entry of the log"
    whole = isinstance(entry.facts, Mapping) and isinstance(entry.seq, int) and bool(entry.hash)
    return entry if whole and entry.line() == line + b"\n" else "it was not written by this program"
