"""What a Stata or SAS file's variables are (.dta, .sas7bdat, .xpt): dates, labels, their own missing codes.

Not here: parsing (parser, in a process of its own), the contract (convert).
"""

import re
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.errors import Problem
from data_contracts.readers.parse import Variable
from data_contracts.readers.parser import EXPORT_AGAIN, shared_parser
from data_contracts.readers.raw import (
    DeclaredMissing,
    MissingCells,
    NumberCells,
    NumberKind,
    RawColumn,
    RawTable,
    TextCells,
    fold,
    refuse,
    signature_of,
)
from data_contracts.readers.spss import code_as_text, floats, variable_name_problems
from data_contracts.spec import Form

Floats = npt.NDArray[np.float64]
Clock = Callable[[Floats], tuple[Floats, NumberKind]]

DAY = 86_400.0
TO_1960 = 11_903_760_000.0  # seconds from 14 October 1582 to 1960, which both programs count from
TO_1970 = 12_219_379_200.0
OLD_STATA = {bytes([version]) for version in range(102, 116)}
STATA_FORMAT = re.compile(r"%-?(t[cCdwmqhyb]|d)(.*)")
SAS_FORMAT = re.compile(r"([A-Z]+|[EB]8601[A-Z]+|IS8601[A-Z]+)([0-9.]*)")
SAS_DATES = (
    "DATE", "DAY", "DDMMYY", "MMDDYY", "YYMMDD", "JULIAN", "MONYY", "MMYY", "YYMM", "YYQ", "WEEKDATE", "WEEKDATX",
    "WORDDATE", "WORDDATX", "NLDATE", "E8601DA", "B8601DA", "IS8601DA",
)  # fmt: skip
SAS_MOMENTS = (
    "DATETIME",
    "DATEAMPM",
    "MDYAMPM",
    "NLDATM",
    "DTDATE",
    "E8601DT",
    "B8601DT",
    "IS8601DT",
    "B8601DN",
)
SAS_TIMES = ("TIME", "HHMM", "MMSS", "TOD", "TIMEAMPM", "HOUR", "E8601TM", "B8601TM", "IS8601TM")


def read_dta(data: bytes, form: Form, where: str) -> RawTable:
    """Return the variables of a Stata file; .a to .z are kept as reasons.

    Raises:
        ReadError: not a Stata file, cut or damaged, or names that can't be told apart.
    """
    is_old = data[:1] in OLD_STATA and data[1:2] in {b"\x01", b"\x02"}
    is_stata = is_old or data.startswith(b"<stata_dta>")
    _refuse_others(data, is_right=is_stata, expected="a Stata file", where=where)
    return _read(data, "dta", form, where, _stata_clock)


def read_sas7bdat(data: bytes, form: Form, where: str) -> RawTable:
    """Return the variables of a SAS data set; .A to .Z and ._ are kept as reasons.

    Raises:
        ReadError: not a SAS data set, cut or damaged, or names that can't be told apart.
    """
    is_sas = b"\xc2\xea\x81\x60" in data[:32]
    _refuse_others(data, is_right=is_sas, expected="a SAS data set", where=where)
    return _read(data, "sas7bdat", form, where, _sas_clock)


def read_xpt(data: bytes, form: Form, where: str) -> RawTable:
    """Return the variables of a SAS transport file, which does not state how many records it has.

    Raises:
        ReadError: not a transport file, cut or damaged, or names that can't be told apart.
    """
    is_transport = data.startswith(b"HEADER RECORD*******")
    _refuse_others(data, is_right=is_transport, expected="a SAS transport file", where=where)
    if len(data) % 80:
        found = "a file that ends within a line of 80 bytes"
        refuse(where, [Problem(where, found, "a whole one", EXPORT_AGAIN)])
    return _read(data, "xpt", form, where, _sas_clock)


def _refuse_others(data: bytes, *, is_right: bool, expected: str, where: str) -> None:
    if not data:
        refuse(where, [Problem(where, "an empty file (0 bytes)", expected, EXPORT_AGAIN)])
    if not is_right:
        found = signature_of(data) or ("an unknown format" if b"\0" in data else "text, as in a CSV")
        remedy = "Only its name says so: export it again, or declare its format in the trial file."
        refuse(where, [Problem(where, found, expected, remedy)])


def _read(data: bytes, format_: str, form: Form, where: str, clock_of: Callable[[str], Clock]) -> RawTable:
    parsed = shared_parser().parse(data, format_, form.encoding, where)
    found = parsed.description
    refuse(where, variable_name_problems([one.name for one in found.variables], found.complaints, where))
    columns = {}
    for k, one in enumerate(found.variables):
        letters = parsed.columns[f"{k}t"] if f"{k}t" in parsed.columns.column_names else None
        columns[fold(one.name)] = _column(one, parsed.columns[str(k)], letters, clock_of)
    return RawTable(found.n_rows, columns, tuple(found.complaints), found.n_stated >= 0)


def _column(
    one: Variable, cells: pa.ChunkedArray, letters: pa.ChunkedArray | None, clock_of: Callable[[str], Clock]
) -> RawColumn:
    labels = {_code(code): label for code, label in one.labels}
    if one.kind in {"string", "string-ref"}:
        return RawColumn(one.name, TextCells(cells), one.label, labels, format=one.format)
    values, kind = clock_of(one.format)(floats(cells))
    missing = None if letters is None else _missing(letters, labels)
    return RawColumn(one.name, NumberCells(values, kind, missing), one.label, labels, format=one.format)


def _code(code: object) -> str:
    """Return a value label's code: a letter alone is a missing code, written .a."""
    return f".{code}" if isinstance(code, str) and re.fullmatch("[A-Za-z_]", code) else code_as_text(code)


def _missing(letters: pa.ChunkedArray, labels: Mapping[str, str]) -> MissingCells:
    found = sorted(letter for letter in pc.unique(letters).to_pylist() if letter is not None)
    which = pc.fill_null(pc.index_in(letters, value_set=pa.array(found, pa.string())), -1).to_numpy()
    codes = tuple(DeclaredMissing(f".{letter}", labels.get(f".{letter}", f".{letter}")) for letter in found)
    return MissingCells(codes, which.astype(np.int32))


def _stata_clock(format_: str) -> Clock:
    """Return how a Stata variable's numbers are turned into seconds, by its display format."""
    match = STATA_FORMAT.match(format_)
    if not match:
        return _plain
    unit = match[1]
    if unit in {"tc", "tC"} and match[2].startswith(("HH", "hh", "Hh")):
        return lambda values: (values / 1000, "duration")
    return STATA_CLOCKS.get(unit, _plain)


def _sas_clock(format_: str) -> Clock:
    """Return how a SAS variable's numbers are turned into seconds, by its format."""
    match = SAS_FORMAT.fullmatch(format_.upper())
    name = match[1] if match else ""
    if name in SAS_MOMENTS:
        return lambda values: (values + TO_1960, "date")
    if name in SAS_TIMES:
        return lambda values: (values, "duration")
    is_date = name in SAS_DATES or name[:-1] in SAS_DATES  # a last letter chooses the mark between the parts
    return _days if is_date else _plain


def _plain(values: Floats) -> tuple[Floats, NumberKind]:
    return values, "number"


def _days(values: Floats) -> tuple[Floats, NumberKind]:
    return values * DAY + TO_1960, "date"


def _periods(per_year: int) -> Clock:
    """Return the clock of a format that counts months, quarters or halves from 1960."""

    def clock(values: Floats) -> tuple[Floats, NumberKind]:
        months = values * (12 // per_year)
        is_near = np.abs(months) < 120_000  # beyond, no calendar holds them
        whole = np.where(is_near, months, 0).astype(np.int64)
        since_1970 = (np.datetime64("1960-01", "M") + whole).astype("datetime64[s]").astype(np.int64)
        return np.where(np.isnan(values) | is_near, since_1970 + TO_1970 + 0 * values, np.inf), "month"

    return clock


def _weeks(values: Floats) -> tuple[Floats, NumberKind]:
    """Return the first days of Stata's weeks, of which every year has 52."""
    years, weeks = np.floor(values / 52), values % 52
    seconds, _ = _periods(1)(years)
    return seconds + weeks * 7 * DAY, "date"


STATA_CLOCKS: Mapping[str, Clock] = {
    "tc": lambda values: (values / 1000 + TO_1960, "date"),
    "tC": lambda values: (values / 1000 + TO_1960, "date"),
    "td": _days,
    "d": _days,
    "tw": _weeks,
    "tm": _periods(12),
    "tq": _periods(4),
    "th": _periods(2),
}
