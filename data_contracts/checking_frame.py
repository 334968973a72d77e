"""The table a form is judged on: its values, and a helper column where a rule needs more than one column.

Not here: the helper columns (helper_columns), the expectations on the table (expectations), judging (judge).
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd

from data_contracts.evidence import Evidence
from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.helper_columns import HELPERS
from data_contracts.rules import Rule
from data_contracts.spec import ColumnType, Form, Trial

TYPES: Mapping[ColumnType, str] = {
    "text": "str",
    "category": "str",
    "integer": "Int64",
    "number": "float64",
    "date": "datetime64[s]",
}
UNDECLARED = "undeclared: "  # before the name of a column that the plan does not declare


def checking_frame(form: str, evidence: Evidence, rules: tuple[Rule, ...]) -> pd.DataFrame:
    """Return the table on which a form's rules are judged.

    Args:
        form: The form's name.
        evidence: All forms read.
        rules: The form's rules that can be judged: see `is_judgeable`.

    Returns:
        (n, columns) by row number (an index without a name: Great Expectations lists it whole), the form's
        own columns, the rules' helper columns, and an empty column for each that the file has and the plan
        does not declare.
    """
    read = evidence.forms[form]
    frame = evidence.values(form)
    helpers = [
        HELPERS[rule.check].column(rule, read, evidence).rename(subject_of(rule))
        for rule in rules
        if rule.check in HELPERS
    ]
    undeclared = pd.DataFrame(
        index=frame.index, columns=[UNDECLARED + c for c in read.unknown_columns], dtype="str"
    )
    return pd.concat([frame, *helpers, undeclared], axis=1).rename_axis(None)


def without_records(trial: Trial, form: Form) -> ReadForm:
    """Return a form as read from an export with all its columns and no record."""
    columns = {**trial.columns_of(form), **({"visit": None} if form.wide else {})}
    types = {name: TYPES[column.type] if column else "str" for name, column in columns.items()}
    index = pd.RangeIndex(1, 1, name=ROW)
    values = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()}).set_axis(index)
    cells = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
    source = SourceFile(form.file, "", 0, datetime(1970, 1, 1, tzinfo=UTC))
    return ReadForm(form.name, values, pd.DataFrame(index=index), cells, source)


def is_judgeable(rule: Rule, evidence: Evidence) -> bool:
    """Return whether the file has the rule's columns: their absence is a finding of its own."""
    values = evidence.values(rule.form)
    if rule.check == "varied":  # of the columns there are, and a file without records is another finding
        return len(values) > 0
    return rule.check in {"present", "readable"} or set(rule.columns) <= set(values.columns)


def subject_of(rule: Rule) -> str:
    """Return the column of the checking frame that a rule judges: its helper's, or its own first one."""
    return f"{HELPERS[rule.check].meaning} ({rule.id})" if rule.check in HELPERS else rule.columns[0]
