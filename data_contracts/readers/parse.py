"""Parse one file of a statistics program into Arrow columns; only the parser's process imports this to run it.

It is the one place that runs pyreadstat, whose C code a damaged file can crash or exhaust. It imports neither
pandas nor pydantic, so that its process starts fast. Not here: what the columns mean (spss, stata_sas).
"""

import mmap
import os
import struct
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_contracts.readers.sav_numbers import Layout, Numbers

SEGMENT = 8  # bytes: a number takes one segment of a row, text one per eight bytes
CHUNK = 11_000_000  # segments read at a time by one process, unless there would be too many chunks
MOST_CHUNKS = 8
COUNT = 80  # where an SPSS header keeps the number of cases
UNKNOWN = -1
NO_SUCH_COUNT = 2**31 - 1  # the parser takes it for "unknown"
MISMATCH = "File did not contain the expected number of rows"
OPTIONS: dict[str, Any] = {"disable_datetime_conversion": True, "output_format": "dict"}
USER_MISSING = ("sav", "dta", "sas7bdat")
WITH_ENCODING = ("sav", "dta", "sas7bdat", "xpt")


@dataclass(frozen=True, slots=True)
class Request:
    """A file to parse, by the way to it."""

    path: str
    size: int  # bytes
    format: str  # sav (and zsav), por, dta, sas7bdat, xpt
    encoding: str = ""
    cells: int = 200_000_000  # segments that a file may hold


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a file that are parsed together."""

    offset: int
    limit: int  # 0: to the end


@dataclass(frozen=True, slots=True)
class Variable:
    """What a file says of one variable."""

    name: str
    kind: str  # string, double, int8 …
    format: str
    label: str
    measure: str
    width: int  # bytes in a row
    labels: list[tuple[Any, str]]  # code, label
    missing: list[tuple[Any, Any]]  # lowest and highest code of a range


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says of itself."""

    variables: list[Variable]
    encoding: str
    complaints: list[str]
    n_stated: int  # records by the header; -1 where it does not say
    n_rows: int = 0
    states_its_rows: bool = True
    nan_cells: list[tuple[int, int]] = field(default_factory=list)  # among the numeric variables; row, from 0


class ParseError(Exception):
    """A file that can't be parsed: the kind of failure, and words for it."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind, self.detail = kind, detail
        super().__init__(kind, detail)


def describe(request: Request) -> Description:
    """Return what a file's header says; its records are not read.

    Raises:
        ParseError: damaged, of another encoding, or with more cells than allowed.
    """
    (_, meta), complaints = _run(request, metadataonly=True)
    if not all(isinstance(name, str) for name in meta.column_names):
        raise ParseError("format", "a variable without a name")
    stated = _stated(request, meta)
    variables = [_variable(name, meta) for name in meta.column_names]
    found = Description(variables, str(meta.file_encoding or ""), complaints, stated)
    refuse_too_many(request, found)
    return found


def chunks_of(n_rows: int, segments: int) -> list[Chunk]:
    """Return the rows of an SPSS file to parse together; all of them where their number is not known."""
    if n_rows < 0:
        return [Chunk(0, 0)]
    each = max(CHUNK // max(segments, 1), -(-n_rows // MOST_CHUNKS), 1)
    return [Chunk(start, min(each, n_rows - start)) for start in range(0, n_rows, each)]


def segments_of(variables: Iterable[Variable]) -> int:
    """Return how many segments of a row some variables take."""
    return sum(-(-max(one.width, 1) // SEGMENT) for one in variables)


def parse_chunk(
    request: Request, found: Description, chunk: Chunk, part: int, *, text_only: bool = False
) -> int:
    """Write one chunk's columns into an open file, in Arrow's stream format, and return how many rows it has.

    A variable's column is named by its position; a second one, with a `t` behind, holds the letters of Stata's
    and SAS's own missing codes, where there are any.

    Raises:
        ParseError: damaged, cut, or of another encoding.
    """
    wanted = {k: one for k, one in enumerate(found.variables) if one.kind == "string" or not text_only}
    how: dict[str, Any] = {"usecols": [one.name for one in wanted.values()]} if text_only else {}
    if chunk.limit:
        how |= {"row_limit": chunk.limit, "row_offset": chunk.offset}
    (cells, _), _ = _run(request, **how)
    if list(cells) != [one.name for one in wanted.values()]:
        raise ParseError("format", "other variables than in its header")
    columns = dict[str, Any]()
    for position, one in wanted.items():
        columns |= _arrow(str(position), cells.pop(one.name), one.kind)
    return write_columns(columns, part)


def write_columns(columns: dict[str, Any], part: int) -> int:
    """Write columns into an open file, in Arrow's stream format, and return how many rows they have."""
    import pyarrow as pa

    table = pa.table(columns)
    with os.fdopen(os.dup(part), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return int(table.num_rows)


def layout_of(request: Request, found: Description) -> "Layout | None":
    """Return how the records of a .sav lie, if its numbers can be read at once."""
    from data_contracts.readers.sav_numbers import read_layout

    layout = read_layout(_bytes_of(request))
    n_numeric = sum(one.kind != "string" for one in found.variables)
    return layout if layout is not None and int(layout.is_number.sum()) == n_numeric else None


def parse_numbers(request: Request, found: Description, layout: "Layout", part: int) -> "Numbers":
    """Write the numbers of a .sav into an open file, in Arrow's stream format, and return them.

    Raises:
        ParseError: cut, or of another number of records than its header states.
    """
    import pyarrow as pa

    from data_contracts.readers.sav_numbers import read_numbers

    numbers = read_numbers(_bytes_of(request), layout)
    if numbers is None:
        raise ParseError("format", "Its records end within one")
    if found.n_stated not in {UNKNOWN, numbers.n_rows}:
        raise ParseError("count", f"{numbers.n_rows} records, {found.n_stated}")
    if numbers.rest:
        raise ParseError("format", "Its last record is not whole")
    positions = (str(k) for k, one in enumerate(found.variables) if one.kind != "string")
    write_columns(
        {name: pa.array(column) for name, column in zip(positions, numbers.columns, strict=True)}, part
    )
    return numbers


def _bytes_of(request: Request) -> mmap.mmap:
    with open(request.path, "rb") as file:  # noqa: PTH123
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def has_more(request: Request, found: Description) -> bool:
    """Return whether an SPSS file holds records beyond those it states; its header states one more by now."""
    try:
        (cells, _), _ = _run(
            request, usecols=[_cheapest(found)], row_offset=max(found.n_stated, 0), row_limit=1
        )
    except ParseError as error:
        if error.detail == MISMATCH:
            return False
        raise
    return len(next(iter(cells.values()), ())) > 0


def count_records(request: Request, found: Description) -> int:
    """Return how many records an SPSS file holds, whatever its header states."""
    state_count(request, UNKNOWN)
    (cells, _), _ = _run(request, usecols=[_cheapest(found)])
    return len(next(iter(cells.values()), ()))


def state_count(request: Request, count: int) -> None:
    """Write a number of records into the header of the copy that is parsed."""
    with open(request.path, "r+b", buffering=0) as file:  # noqa: PTH123 - a descriptor's path
        file.seek(COUNT)
        file.write(struct.pack(f"{_order(request)}i", count))


def _stated(request: Request, meta: Any) -> int:
    """Return the number of records a header states; -1 where it does not."""
    if request.format != "sav":
        return UNKNOWN if meta.number_rows is None else int(meta.number_rows)
    with open(request.path, "rb") as file:  # noqa: PTH123
        header = file.read(COUNT + 4)
    (count,) = struct.unpack_from(f"{_order(request)}i", header, COUNT)
    return int(count)


def _order(request: Request) -> str:
    """Return the byte order of an SPSS file, from the layout code in its header."""
    with open(request.path, "rb") as file:  # noqa: PTH123
        header = file.read(COUNT + 4)
    return "<" if header[64] in {2, 3} else ">"


def _cheapest(found: Description) -> str:
    """Return a variable that costs little to read."""
    numeric = [one.name for one in found.variables if one.kind != "string"]
    return (numeric or [one.name for one in found.variables])[0]


def refuse_too_many(request: Request, found: Description) -> None:
    """Raise that a file holds more than may be read.

    Raises:
        ParseError: it does.
    """
    segments = segments_of(found.variables)
    rows = found.n_stated
    if request.format == "sav" and not is_possible(request, found):
        return  # the count is wrong, which is said in better words
    if rows > 0 and rows * segments > request.cells:
        detail = f"{rows} records of {segments * SEGMENT} bytes"
        raise ParseError("budget", detail)


def is_possible(request: Request, found: Description) -> bool:
    """Return whether so many records fit into an SPSS file; one takes a byte per segment, if not packed."""
    with open(request.path, "rb") as file:  # noqa: PTH123
        is_packed = file.read(4) == b"$FL3"
    most = request.size // max(segments_of(found.variables), 1)
    return found.n_stated < NO_SUCH_COUNT and (is_packed or found.n_stated <= most)


def _run(request: Request, **how: Any) -> tuple[tuple[Any, Any], list[str]]:
    """Return pyreadstat's cells and description of a file, and its warnings."""
    import pyreadstat

    readers = {
        "sav": pyreadstat.read_sav,
        "por": pyreadstat.read_por,
        "dta": pyreadstat.read_dta,
        "sas7bdat": pyreadstat.read_sas7bdat,
        "xpt": pyreadstat.read_xport,
    }
    options = OPTIONS | how
    if request.format in USER_MISSING:
        options["user_missing"] = True  # else declared codes and their ranges are lost
    if request.format in WITH_ENCODING:
        options["encoding"] = request.encoding or None
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        try:
            found = readers[request.format](request.path, **options)
        except UnicodeDecodeError:
            raise ParseError("undeclared", "") from None
        except MemoryError:
            raise
        except pyreadstat.ReadstatError as error:
            raise ParseError("format", str(error)) from None
        except Exception as error:  # noqa: BLE001  a damaged file can set off anything
            raise ParseError("format", type(error).__name__) from None
    return found, [str(complaint.message) for complaint in complaints]


def _variable(name: str, meta: Any) -> Variable:
    ranges = meta.missing_ranges.get(name, [])
    return Variable(
        name=name,
        kind=str(meta.readstat_variable_types.get(name, "")),
        format=str(meta.original_variable_types.get(name) or ""),
        label=meta.column_names_to_labels.get(name) or "",
        measure=str(meta.variable_measure.get(name, "")),
        width=int(meta.variable_storage_width.get(name, SEGMENT)),
        labels=[(code, str(label)) for code, label in meta.variable_value_labels.get(name, {}).items()],
        missing=[(bounds["lo"], bounds["hi"]) for bounds in ranges],
    )


def _arrow(name: str, cells: list[Any], kind: str) -> dict[str, Any]:
    """Return a variable's cells as Arrow: None is null; letters among numbers stand in a column of their own."""
    import pyarrow as pa

    if kind == "string":
        return {name: pa.array(cells, pa.string())}
    try:
        return {name: pa.array(cells, pa.float64(), from_pandas=False)}
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        numbers = [None if isinstance(cell, str) else cell for cell in cells]
        letters = [cell if isinstance(cell, str) else None for cell in cells]
        return {
            name: pa.array(numbers, pa.float64(), from_pandas=False),
            f"{name}t": pa.array(letters, pa.string()),
        }


def as_json(found: Description) -> dict[str, Any]:
    """Return a description as JSON keeps it; its numbers may be infinite, as in LOWEST THRU 9."""
    return asdict(found)


def from_json(kept: dict[str, Any]) -> Description:
    """Return the description that `as_json` gave."""
    variables = [
        Variable(**{**one, "labels": _pairs(one["labels"]), "missing": _pairs(one["missing"])})
        for one in kept["variables"]
    ]
    return Description(**{**kept, "variables": variables, "nan_cells": _pairs(kept["nan_cells"])})


def _pairs(kept: list[Any]) -> list[tuple[Any, Any]]:
    return [(first, second) for first, second in kept]
