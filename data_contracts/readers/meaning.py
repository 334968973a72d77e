"""What one cell means by its contract: the one definition, which the fast conversions are held against.

Not here: converting whole columns (convert_numbers, convert_text).
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from data_contracts.readers.raw import NumberKind, code_of, moment_of
from data_contracts.spec import ColumnType

if TYPE_CHECKING:
    from data_contracts.readers.typed import Contract

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # zero-width characters, which str.strip leaves
WHOLE = re.compile(r"[+-]?[0-9]+")
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
UNKNOWN = r"(UN|UNK|NK|XX|\?\?|--)"  # how forms write a day or a month that nobody knows
PARTIAL_DATE = re.compile(
    rf"[0-9]{{4}}(-[0-9]{{2}})?|[A-Z]{{3}}[-/ .][0-9]{{4}}|(.*[-/ .])?{UNKNOWN}([-/ .].*)?", re.IGNORECASE
)
NUMERIC_DATE = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2}([0-9]{2})?")
DAY_COUNT = re.compile(r"[0-9]{1,5}([.][0-9]+)?")
DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  of a spreadsheet's count
IN_DOUBT = 60  # days: spreadsheets have a 29 February 1900
GROUPED = re.compile("[+-]?[0-9]{1,3}([,.' \u00a0\u202f][0-9]{3})+([,.][0-9]+)?")
LONGEST = 4000  # digits
LARGEST_INTEGER = 2**63 - 1
LARGEST_EXACT = 2**53  # above it, a float no longer tells whole numbers apart
NUMBERS: tuple[ColumnType, ...] = ("integer", "number")
WORDS = {"integer": "a whole number", "number": "a number", "date": "a date"}


class Judged(NamedTuple):
    """What a cell means: a value, or missing for a reason, or not what was expected."""

    value: Any = None
    reason: str | None = None
    expected: str | None = None


BLANK = Judged()
NO_DATE = Judged(expected="a date of the calendar, up to the year 9999")


def trim(text: str) -> str:
    """Return a cell's text without the spaces around it, invisible ones too."""
    return text.strip().strip(INVISIBLE).strip()


def judge_text(cell: str, contract: "Contract", missing: Mapping[str, str]) -> Judged:
    """Return what a cell of text means; `missing` is the contract's."""
    text = trim(cell)
    if not text:
        return BLANK
    if text in missing:
        return Judged(reason=missing[text])
    kind = contract.column.type
    if kind == "date":
        return _date(text, contract.column.format)
    if kind not in NUMBERS:
        return Judged(contract.spellings.get(text, text))
    judged = _whole(text, contract) if kind == "integer" else _number(text, contract)
    code = "" if judged.value is None else code_of(float(judged.value))
    return Judged(reason=missing[code]) if code in missing else judged


def judge_number(number: float, kind: NumberKind, contract: "Contract", missing: Mapping[str, str]) -> Judged:
    """Return what a cell of a variable of numbers, dates, durations or months means; NaN is blank."""
    if math.isnan(number):
        return BLANK
    if kind in {"date", "month"}:
        return _judge_moment(number, kind, contract, missing)
    text = code_of(number)
    if text in missing:
        return Judged(reason=missing[text])
    return _judge_plain(number, text, kind, contract)


def number_as_found(number: float, kind: NumberKind) -> str:
    """Return how a cell that did not convert is quoted in a query."""
    if kind in {"number", "duration"}:
        return code_of(number)
    moment = moment_of(number)
    return f"{number!r} seconds" if moment is None else str(moment)


def _judge_moment(
    seconds: float, kind: NumberKind, contract: "Contract", missing: Mapping[str, str]
) -> Judged:
    """Judge seconds since 1582; a month is its first day, and text such as 2021-03."""
    moment = moment_of(seconds)
    if moment is None:
        return NO_DATE
    if contract.column.type == "date":
        return Judged(moment if kind == "date" else moment.replace(day=1, hour=0, minute=0, second=0))
    if kind == "month" and contract.column.type not in NUMBERS:
        month = f"{moment.year:04}-{moment.month:02}"
        if month in missing:
            return Judged(reason=missing[month])
        return Judged(contract.spellings.get(month, month))
    return Judged(expected=f"{_kind(contract)}; this is a {kind}")


def _judge_plain(number: float, text: str, kind: NumberKind, contract: "Contract") -> Judged:
    wanted = contract.column.type
    if wanted == "date":
        what = "duration" if kind == "duration" else "number without a date format"
        return Judged(expected=f"a date; this is a {what}")
    if not math.isfinite(number):
        return Judged(expected=f"{_kind(contract)}; this is infinite")
    if wanted == "number":
        return Judged(number)
    if wanted == "integer":
        is_whole = number.is_integer() and abs(number) <= LARGEST_EXACT
        return Judged(int(number)) if is_whole else Judged(expected="a whole number")
    return Judged(contract.spellings.get(text, text))


def _kind(contract: "Contract") -> str:
    return WORDS.get(contract.column.type, "a code or text")


def _whole(text: str, contract: "Contract") -> Judged:
    # Statistics programs write whole numbers with one zero; 1.000 may be a thousand.
    digits = _ungrouped(text.removesuffix(f"{contract.decimal}0"), contract.thousands)
    if not WHOLE.fullmatch(digits):
        return Judged(expected="a whole number" + _about_thousands(text, contract.thousands))
    # So many digits are too many for Python to make a number of, and for a computer to hold.
    is_small = len(digits) <= LONGEST and abs(int(digits)) <= LARGEST_INTEGER
    return Judged(int(digits)) if is_small else Judged(expected="a whole number below 2 to the power 63")


def _ungrouped(text: str, thousands: str) -> str:
    """Return a number without the marks between its thousands; as it is where they stand elsewhere."""
    mark = re.escape(thousands)
    if not thousands or not re.fullmatch(rf"[+-]?[0-9]{{1,3}}({mark}[0-9]{{3}})+(?!{mark}|[0-9]).*", text):
        return text
    return text.replace(thousands, "")


def _about_thousands(text: str, thousands: str) -> str:
    """Return the key to set where marks between thousands are written and none is declared."""
    is_grouped = not thousands and GROUPED.fullmatch(text)
    return "; if a mark stands between thousands, the form's `thousands` declares it" if is_grouped else ""


def is_number(text: str, decimal: str = ".") -> bool:
    """Return whether text is a number as programs write it, with no mark between thousands."""
    mark = re.escape(decimal)
    return bool(re.fullmatch(rf"[+-]?([0-9]+({mark}[0-9]*)?|{mark}[0-9]+)([eE][+-]?[0-9]+)?", text))


def _number(text: str, contract: "Contract") -> Judged:
    decimal, plain = contract.decimal, _ungrouped(text, contract.thousands)
    if not is_number(plain, decimal):
        but = f" but {contract.thousands!r} between thousands" if contract.thousands else ""
        expected = f"a number with {decimal!r} before its decimals and no other mark{but}"
        return Judged(expected=expected + _about_thousands(text, contract.thousands))
    number = float(plain.replace(decimal, "."))
    vanished = number == 0 and re.search("[1-9]", re.split("[eE]", plain)[0])
    if vanished or not math.isfinite(number):
        return Judged(expected="a number that a computer can hold")
    return Judged(number)


def _date(text: str, declared: str) -> Judged:
    """Return the date that text means in the declared format, ISO when none is declared."""
    try:
        if declared:
            return Judged(datetime.strptime(text, declared).replace(tzinfo=None))  # noqa: DTZ007
        if ISO_DATE.fullmatch(text):
            return Judged(datetime.fromisoformat(text))
    except ValueError:
        pass
    written = declared or "YYYY-MM-DD"
    return Judged(expected=f"a date of the calendar written {written}{_about_date(text, declared)}")


def _about_date(text: str, declared: str) -> str:
    """Return what text that is no date in the declared format may be; it stands in a query's text alone."""
    if PARTIAL_DATE.fullmatch(text):
        return "; this is a part of one"
    if DAY_COUNT.fullmatch(text):
        return f"; this looks like a spreadsheet's day count{_as_day_count(text)}"
    if NUMERIC_DATE.fullmatch(text) and not declared:
        return "; whether its day or its month comes first is for the column's `format` to declare"
    return ""


def _as_day_count(text: str) -> str:
    """Return the date that a spreadsheet's count of days means; before March 1900 spreadsheets differ."""
    days = int(float(text))
    return f", which would be {DAY_ZERO + timedelta(days=days):%Y-%m-%d}" if days > IN_DOUBT else ""
