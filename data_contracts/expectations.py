"""Which of Great Expectations' expectations a check stands for: its class and arguments, by name.

Not here: running them (judge), the helper columns they read (checking_frame).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from data_contracts.checking_frame import UNDECLARED, subject_of
from data_contracts.rules import Rule

TOLERANCE = 1e-6  # of a total against its parts: above the rounding of doubles, below any reported decimal
GRACE_DAYS = 1  # an export dated in UTC may hold what is tomorrow there
Named = tuple[str, dict[str, Any]]  # an expectation's class and its arguments
Builder = Callable[[Rule, pd.DataFrame], Named]


def expectation_of(rule: Rule, frame: pd.DataFrame) -> Named:
    """Return the class and the arguments of the expectation that a rule stands for on a checking frame."""
    return BUILDERS[rule.check](rule, frame)


def _no_others(_: Rule, frame: pd.DataFrame) -> Named:
    declared = sum(not name.startswith(UNDECLARED) for name in frame.columns)
    return "ExpectTableColumnCountToEqual", {"value": declared}


def _between(rule: Rule, low: float | None, high: float | None) -> Named:
    return "ExpectColumnValuesToBeBetween", {"column": subject_of(rule), "min_value": low, "max_value": high}


def _in_set(rule: Rule, values: tuple[Any, ...]) -> Named:
    return "ExpectColumnValuesToBeInSet", {"column": subject_of(rule), "value_set": list(values)}


def _unique(rule: Rule, _: pd.DataFrame) -> Named:
    if len(rule.columns) == 1:
        return "ExpectColumnValuesToBeUnique", {"column": rule.columns[0]}
    return "ExpectCompoundColumnsToBeUnique", {
        "column_list": list(rule.columns),
        "ignore_row_if": "any_value_is_missing",  # a missing part is a finding of its own
    }


def _no_words(rule: Rule, _: pd.DataFrame) -> Named:
    words = "|".join(re.escape(word) for word in rule.arguments["words"])
    return "ExpectColumnValuesToNotMatchRegex", {
        "column": rule.columns[0],
        "regex": rf"(?i)(?<!\w)(?:{words})(?!\w)",
    }


BUILDERS: Mapping[str, Builder] = {
    "present": lambda rule, _: ("ExpectColumnToExist", {"column": rule.columns[0]}),
    "no_others": _no_others,
    "has_rows": lambda _rule, _frame: ("ExpectTableRowCountToBeBetween", {"min_value": 1}),
    "readable": lambda rule, _: _between(rule, 0, 0),
    "not_missing": lambda rule, _: ("ExpectColumnValuesToNotBeNull", {"column": rule.columns[0]}),
    "in_set": lambda rule, _: _in_set(rule, rule.arguments["values"]),
    "between": lambda rule, _: _between(rule, rule.arguments["low"], rule.arguments["high"]),
    "unique": _unique,
    "in_window": lambda rule, _: _between(rule, 0, 0),
    "assignable": lambda rule, _: ("ExpectColumnValuesToNotBeNull", {"column": subject_of(rule)}),
    "in_order": lambda rule, _: _between(rule, 0, None),
    "adds_up": lambda rule, _: _between(rule, -TOLERANCE, TOLERANCE),
    "known": lambda rule, _: _in_set(rule, (True,)),
    "one_arm": lambda rule, _: _between(rule, None, 1),
    "unambiguous": lambda rule, _: _between(rule, 0, 0),
    "not_future": lambda rule, _: _between(rule, None, GRACE_DAYS),
    "after_randomisation": lambda rule, _: _between(rule, 0, None),
    "in_turn": lambda rule, _: _between(rule, 0, None),
    "own_day": lambda rule, _: _between(rule, None, 1),
    "there_in_time": lambda rule, _: _in_set(rule, (True,)),
    "filled_at": lambda rule, _: _in_set(rule, (True,)),
    "eligible_range": lambda rule, _: _between(rule, rule.arguments["low"], rule.arguments["high"]),
    "eligible_code": lambda rule, _: _in_set(rule, rule.arguments["values"]),
    "steps_by_one": lambda rule, _: _between(rule, 1, 1),
    "dated_in_turn": lambda rule, _: _between(rule, 0, None),
    "block_filled": lambda rule, _: _between(rule, 0, 0),
    "block_in_ratio": lambda rule, _: _between(rule, 0, 0),
    "balanced": lambda rule, _: _between(rule, 0, 0),
    "varied": lambda rule, _: (
        "ExpectColumnMaxToBeBetween",
        {"column": subject_of(rule), "min_value": 0, "max_value": 0},
    ),
    "not_copied": lambda rule, _: _between(rule, None, 1),
    "written": lambda rule, _: _in_set(rule, (True,)),
    "in_therapy_arm": lambda rule, _: _in_set(rule, rule.arguments["values"]),
    "no_words": _no_words,
}
