"""What a mistake in a TOML file is, in words of TOML instead of pydantic's. Not here: finding it (load)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
LENGTHS = ("too_short", "too_long")


def found_and_expected(finding: "ErrorDetails") -> tuple[str, str]:
    """Return what a finding of pydantic's found, and what belongs there."""
    return _found(finding), _expected(finding)


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
