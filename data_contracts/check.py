"""A rule that a trial's file writes out itself: `[checks.NAME]`. Not here: judging it (helper_columns.written).

    [checks.discharge_after_admission]
    form = "events"
    when = [{ column = "kind", op = "=", value = "admission" }]
    must = [{ column = "ended", op = ">=", other = "started" }]
    severity = "warning"
    message = "An admission must not end before it begins. Check both dates."

`must` holds of every record for which all of `when` holds. What two columns can't say belongs into
`suites/by_trial.py`, in Python.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data_contracts.instrument import Declared

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "one of", "present", "missing"]
Value = str | int | float
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Comparison(Declared):
    """A column held against a value, a list of values, another column of the same record, or nothing."""

    column: Name
    op: Operator
    value: Value | None = None  # a date as YYYY-MM-DD
    values: tuple[Value, ...] = ()
    other: Name | Literal[""] = ""

    @model_validator(mode="after")
    def _one_right_side(self) -> Self:
        given = [k for k in ("value", "values", "other") if getattr(self, k) not in (None, (), "")]
        wanted = {"one of": ["values"], "present": [], "missing": []}.get(self.op)
        if wanted is None and given not in (["value"], ["other"]):
            raise ValueError(f'`op = "{self.op}"` goes with either `value` or `other`')
        if wanted is not None and given != wanted:
            goes = "`values`, a list" if wanted else "the column alone"
            raise ValueError(f'`op = "{self.op}"` goes with {goes}')
        return self


class Check(Declared):
    """A rule on one form, in the trial's own words."""

    name: Name
    form: Name
    must: tuple[Comparison, ...] = Field(min_length=1)
    when: tuple[Comparison, ...] = ()
    severity: Literal["critical", "warning", "info"] = "warning"
    owner: str = ""  # else the form's
    message: str = Field(min_length=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns named, the one asked about first."""
        named = [n for c in (*self.must, *self.when) for n in (c.column, c.other) if n]
        return tuple(dict.fromkeys(named))
