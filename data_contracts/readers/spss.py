"""What an SPSS file's variables are (.sav, .zsav, .por): labels, missing codes, dates, durations, encoding.

Not here: parsing (parser, in a process of its own), the contract (convert).
"""

import codecs
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.errors import Problem
from data_contracts.readers.parse import Description, Variable
from data_contracts.readers.parser import EXPORT_AGAIN, Parsed, shared_parser
from data_contracts.readers.raw import (
    DeclaredMissing,
    MissingCells,
    NumberCells,
    NumberKind,
    RawColumn,
    RawTable,
    TextCells,
    code_of,
    fold,
    is_encoded_twice,
    name_problems,
    refuse,
    signature_of,
)
from data_contracts.spec import Form

KINDS: Mapping[str, NumberKind] = {
    **dict.fromkeys(("DATE", "ADATE", "EDATE", "SDATE", "JDATE", "DATETIME", "YMDHMS", "WKYR"), "date"),
    **dict.fromkeys(("MOYR", "QYR"), "month"),
    **dict.fromkeys(("TIME", "DTIME", "MTIME"), "duration"),
}
LARGEST = np.finfo(np.float64).max  # SPSS's HIGHEST; its LOWEST is the other end
UTF8 = {"", "UTF-8", "UTF8"}
PORTABLE_TEXT = 255  # bytes; where the portable format cuts text
NOT_SPSS = "Only its name says .sav: export it from SPSS, or declare its format in the trial file."


def read_sav(data: bytes, form: Form, where: str) -> RawTable:
    """Return the variables of an SPSS file, packed (.zsav) or not.

    Args:
        data: The file's bytes.
        form: Its contract, for the encoding.
        where: The file's name in messages.

    Raises:
        ReadError: not an SPSS file, cut or damaged, or names that can't be told apart.
    """
    _refuse_other_formats(data, (b"$FL2", b"$FL3"), "an SPSS file", where)
    _refuse_wide_encodings(form.encoding, where)
    parsed = shared_parser().parse(data, "sav", form.encoding, where)
    table = _table(parsed, where)
    notes = [*_encoding_notes(table, parsed.description, form.encoding), *_unknown_encoding(data)]
    return RawTable(table.n_rows, table.columns, (*table.notes, *notes), parsed.description.states_its_rows)


def read_por(data: bytes, _form: Form, where: str) -> RawTable:
    """Return the variables of a portable SPSS file; missing codes are blank there, without their reason.

    Raises:
        ReadError: as `read_sav`.
    """
    if data[:2] in {b"$F", b"PK"} or b"SPSSPORT" not in data[:500].replace(b"\r", b"").replace(b"\n", b""):
        _refuse_other_formats(data, (), "a portable SPSS file", where)
    if not data.rstrip(b"\r\n \0").endswith(b"Z"):
        found = "a file without the mark that ends a portable file"
        refuse(where, [Problem(where, found, "a whole one", EXPORT_AGAIN)])
    table = _table(shared_parser().parse(data, "por", "", where), where)
    return RawTable(table.n_rows, table.columns, (*table.notes, *_portable_notes(table)))


def _refuse_other_formats(data: bytes, openings: tuple[bytes, ...], expected: str, where: str) -> None:
    if not data:
        refuse(where, [Problem(where, "an empty file (0 bytes)", expected, EXPORT_AGAIN)])
    if not data.startswith(openings):
        found = signature_of(data) or ("an unknown format" if b"\0" in data else "text, as in a CSV")
        refuse(where, [Problem(where, found, expected, NOT_SPSS)])


def _refuse_wide_encodings(encoding: str, where: str) -> None:
    """Refuse UTF-16 and UTF-32, which no SPSS file is kept in and which would garble every text."""
    if fold(encoding).replace("-", "").replace("_", "").startswith(("utf16", "utf32", "ucs")):
        found = f"the declared encoding {encoding}"
        remedy = "Leave the form's `encoding` out: SPSS files say their own."
        refuse(where, [Problem(where, found, "one that SPSS files are kept in", remedy)])


def _table(parsed: Parsed, where: str) -> RawTable:
    found = parsed.description
    refuse(where, variable_name_problems([one.name for one in found.variables], found.complaints, where))
    strange = _strange(found)
    columns = {
        fold(one.name): _column(one, parsed.columns[str(k)], strange.get(one.name))
        for k, one in enumerate(found.variables)
    }
    notes = [text for text in found.complaints if "is duplicated" not in text]
    return RawTable(found.n_rows, columns, tuple(notes))


def variable_name_problems(names: Sequence[str], complaints: Iterable[str], where: str) -> list[Problem]:
    """Return repeated names; the library renames those that are wholly alike, and says so."""
    repeated = [text.split("'")[1] for text in complaints if "is duplicated" in text]
    alike = [Problem(where, f"two variables named {name!r}", "each name once") for name in repeated]
    return alike + name_problems(names, where)


def _strange(found: Description) -> dict[str, Any]:
    """Return the rows, from 0, of the cells that hold "not a number" itself, by variable."""
    numeric = [one.name for one in found.variables if one.kind != "string"]
    rows = dict[str, list[int]]()
    for variable, row in found.nan_cells:
        rows.setdefault(numeric[variable], []).append(row)
    return {name: np.array(which, dtype=np.int64) for name, which in rows.items()}


def _column(one: Variable, cells: pa.ChunkedArray, strange: Any) -> RawColumn:
    labels = {code_as_text(code): label for code, label in one.labels}
    numbers = _text(one, cells, labels) if one.kind == "string" else _numbers(one, cells, labels)
    return RawColumn(
        name=one.name,
        cells=numbers
        if strange is None or isinstance(numbers, TextCells)
        else replace(numbers, strange=strange),
        label=one.label,
        value_labels=labels,
        measure=one.measure if one.measure in {"nominal", "ordinal", "scale"} else "",
        format=one.format,
        declared_missing=tuple(_range_in_words(low, high) for low, high in one.missing),
    )


def _numbers(one: Variable, cells: pa.ChunkedArray, labels: Mapping[str, str]) -> NumberCells:
    values = floats(cells)
    kind = KINDS.get(one.format.rstrip("0123456789."), "number")
    is_missing = np.zeros(len(values), dtype=bool)
    for low, high in one.missing:
        if not isinstance(low, str):
            is_missing |= (values >= low) & (values <= high)
    if not is_missing.any():
        return NumberCells(values, kind)
    codes, which = np.unique(values[is_missing], return_inverse=True)
    texts = [code_of(code) for code in codes.tolist()]
    missing = _missing_cells(texts, which, is_missing, labels)
    return NumberCells(np.where(is_missing, np.nan, values), kind, missing)


def _text(one: Variable, cells: pa.ChunkedArray, labels: Mapping[str, str]) -> TextCells:
    codes = pa.array([low.rstrip() for low, _ in one.missing if isinstance(low, str)], pa.string())
    if not len(codes):
        return TextCells(cells)
    found = pc.index_in(pc.utf8_rtrim(cells, " "), value_set=codes)
    which = pc.fill_null(found, -1).to_numpy()
    is_missing = which >= 0
    if not is_missing.any():
        return TextCells(cells)
    missing = _missing_cells(codes.to_pylist(), which[is_missing], is_missing, labels)
    return TextCells(pc.if_else(pa.array(is_missing), None, cells), missing)


def _missing_cells(codes: list[str], which: Any, is_missing: Any, labels: Mapping[str, str]) -> MissingCells:
    positions = np.full(len(is_missing), -1, dtype=np.int32)
    positions[is_missing] = which
    return MissingCells(tuple(DeclaredMissing(code, labels.get(code, "")) for code in codes), positions)


def floats(cells: pa.ChunkedArray) -> Any:
    """Return numbers as an array (n,), NaN where there is nothing."""
    return cells.to_numpy() if len(cells) else np.array([], dtype=np.float64)


def code_as_text(value: object) -> str:
    """Return a code of a value label as text."""
    return code_of(float(value)) if isinstance(value, int | float) else str(value).rstrip()


def _range_in_words(low: object, high: object) -> str:
    """Return a declaration of missing codes as SPSS writes it."""
    if low == high:
        return code_as_text(low)
    first = "LOWEST" if isinstance(low, float) and low <= -LARGEST else code_as_text(low)
    last = "HIGHEST" if isinstance(high, float) and high >= LARGEST else code_as_text(high)
    return f"{first} thru {last}"


def _encoding_notes(table: RawTable, found: Description, declared: str) -> Iterator[str]:
    """Yield the variables whose text is UTF-8 in a file that is read as something else."""
    encoding = declared or found.encoding
    if encoding.upper() in UTF8:
        return
    for column in table.columns.values():
        if isinstance(column.cells, TextCells) and is_encoded_twice(column.cells, encoding):
            yield f"{column.name}: UTF-8 text in a file that declares {encoding}; accents are garbled."


def _unknown_encoding(data: bytes) -> Iterator[str]:
    """Yield that a file names an encoding nobody knows: the library then reads UTF-8 without a word."""
    order = "<" if data[64:65] in {b"\x02", b"\x03"} else ">"
    head = struct.pack(f"{order}iii", 7, 20, 1)  # the record that names the encoding, in single bytes
    at = data.find(head)
    if at < 0 or len(data) < at + 16:
        return
    (length,) = struct.unpack_from(f"{order}i", data, at + 12)
    name = data[at + 16 : at + 16 + max(0, min(length, 40))].decode("ascii", "replace").strip("\0 ")
    try:
        codecs.lookup(name)
    except LookupError:
        if not re.fullmatch(r"(?i)(cp|windows-|ibm)?[0-9]+", name):
            yield f"The file names the encoding {name!r}, which nobody knows; its text was read as UTF-8."


def _portable_notes(table: RawTable) -> Iterator[str]:
    yield (
        "A portable file: codes that it declares missing are blank, and why they are missing is lost. "
        "A .sav file keeps it."
    )
    yield "A portable file does not state its number of records: lines lost from its middle show by a manifest only."
    for column in table.columns.values():
        if isinstance(column.cells, TextCells):
            longest = pc.max(pc.binary_length(column.cells.array)).as_py()
            if longest == PORTABLE_TEXT:
                yield f"{column.name}: text of exactly 255 bytes, where a portable file cuts what is longer."
