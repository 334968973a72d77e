"""What a mistake in a TOML file is, in words of TOML instead of pydantic's. Not here: finding it (load)."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

from data_contracts.known_keys import known_keys, nearest

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

PATTERNS = {  # of the specification's names, by their regular expression
    "^[A-Za-z][A-Za-z0-9_]*$": "a code: a letter first, then letters, digits and underscores only",
    "^[a-z][a-z0-9_]*$": "a name: a small letter first, then small letters, digits and underscores only",
    r"^\S.* \d+(\.\d+)*[a-z]?$": 'a document and a number in it, such as "SAP 6.2"',
}
EXPECTED = {  # by pydantic's kind of error, with what it knows of it
    "missing": "this key (it is required)",
    "extra_forbidden": "one of the documented keys (is it misspelt?)",
    "literal_error": "{expected}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false, without quotation marks",
    "bool_parsing": "true or false, without quotation marks",
    "string_type": 'a text, in quotation marks: "like this"',
    "tuple_type": "a list, in square brackets: [first, second]",
    "list_type": "a list, in square brackets: [first, second]",
    "dict_type": "a table: a [heading] with keys below it, or {{ key = value }}",
    "mapping_type": "a table: a [heading] with keys below it, or {{ key = value }}",
    "model_type": "a table: a [heading] with keys below it, or {{ key = value }}",
    "model_attributes_type": "a table: a [heading] with keys below it, or {{ key = value }}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "a text of at least {min_length} character(s)",
    "string_too_long": "a text of at most {max_length} character(s)",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "{le} or less",
    "date_type": "a date, such as 2024-03-31",
    "date_parsing": "a date, such as 2024-03-31",
    "date_from_datetime_parsing": "a date, such as 2024-03-31",
    "date_from_datetime_inexact": "a date without a time of day, such as 2024-03-31",
}
REMEDIES = dict.fromkeys(
    ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
    "Write year-month-day, without quotation marks or a time.",
)
LENGTHS = ("too_short", "too_long")
LISTS = ("tuple_type", "list_type")
OURS = "ours"  # the kind of a mistake that a model itself has put into words
MOST = 12  # keys that are all named; of more than these, only the nearest


def in_plain_words(found: str, expected: str, remedy: str = "") -> PydanticCustomError:
    """Return the error that a model raises of a value that is wrong beside others."""
    return PydanticCustomError(OURS, "{expected}", {"found": found, "expected": expected, "remedy": remedy})


def told(finding: "ErrorDetails", model: "type[BaseModel]") -> tuple[str, str, str]:
    """Return what a finding of pydantic's found, what belongs there, and what to do.

    Args:
        finding: The finding.
        model: What the file declares; it knows which keys there are.
    """
    kind, loc = finding["type"], finding["loc"]
    if kind == OURS:
        context = finding["ctx"]
        return context["found"], context["expected"], context["remedy"]
    expected, remedy = _expected(finding), REMEDIES.get(kind, "")
    if kind == "extra_forbidden" and (known := known_keys(model, loc)):
        expected = f"one of: {', '.join(known)}" if len(known) <= MOST else expected
        near = nearest(str(loc[-1]), known)
        remedy = f"Did you mean `{near}`?" if near else "Correct it, or take it out."
    elif kind in LISTS and isinstance(finding["input"], Mapping) and known_keys(model, (*loc, 0, "")):
        expected = f"a list of tables: [[{loc[-1]}]], in double square brackets, above each"
    return _found(finding), expected, remedy


def _found(finding: "ErrorDetails") -> str:
    kind, value = finding["type"], finding["input"]
    if kind == "missing":
        return "nothing"
    if kind == "extra_forbidden":
        return "a key that means nothing here"
    if kind in LENGTHS:
        return (
            f"a list of {finding['ctx']['actual_length']}"
            if finding["ctx"]["actual_length"]
            else "an empty list"
        )
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()  # as TOML writes it
    if isinstance(value, str | int | float):
        return repr(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


def _expected(finding: "ErrorDetails") -> str:
    kind, known = finding["type"], finding.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(known["pattern"], f"a text of the form {known['pattern']}")
    if kind in EXPECTED:
        return EXPECTED[kind].format(**known)
    return finding["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
