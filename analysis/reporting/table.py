"""A table as a value: caption, columns, groups of rows. Not here: which numbers (tables), HTML (template)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

Align = Literal["number", "text", "short", "code"]  # short text does not wrap
Light = Literal["", "good", "risk", "bad", "none"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and how its cells stand."""

    label: str
    align: Align = "number"
    detail: str = ""  # said smaller below the label, such as the level of an interval


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place; `source` names the results row it was read from."""

    text: str
    source: str = ""  # several are joined: see `sources`
    detail: str = ""
    span: int = 1
    light: Light = ""  # a coloured sign before the text, which says the same in words
    link: str = ""  # address relative to the page


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; its first cell is its heading."""

    cells: tuple[Cell, ...]
    mark: Literal["", "primary", "indented", "absent", "quiet"] = ""

    def placed(self) -> Iterator[tuple[int, Cell]]:
        """Yield each cell with the column it begins in."""
        at = 0
        for cell in self.cells:
            yield at, cell
            at += cell.span


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading; none when the label is empty."""

    rows: tuple[Row, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A whole table; `name` is its address on the page."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()
    empty: str = "There is nothing to show."
    kind: ClassVar[str] = "table"

    @property
    def is_empty(self) -> bool:
        """Whether no group has a row."""
        return not any(group.rows for group in self.groups)


def sources(*keys: str) -> str:
    """Return the source of a cell whose numbers come from several rows."""
    return " ; ".join(key for key in keys if key)


def row(*cells: Cell | str, mark: Literal["", "primary", "indented", "absent", "quiet"] = "") -> Row:
    """Return a row; plain text becomes a cell."""
    return Row(tuple(c if isinstance(c, Cell) else Cell(c) for c in cells), mark)


def one_group(rows: Iterable[Row]) -> tuple[Group, ...]:
    """Return rows that need no heading."""
    return (Group(tuple(rows)),)
