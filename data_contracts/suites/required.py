"""A value the plan requires is there. Not here: which values are legal."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Column, Form, Trial
from data_contracts.suites.must import Must, called, columns_in, severity_of


def required_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per column that must be filled: those declared so, the key, and an allocation's arm."""
    for column in columns_in(form, trial):
        if column.required or _is_vital(form, column):
            yield _filled(form, column)


def _is_vital(form: Form, column: Column) -> bool:
    return column.name in {"participant", *form.key} or (form.kind == "allocation" and column.name == "arm")


def _filled(form: Form, column: Column) -> Rule:
    return Must(
        dimension="completeness",
        check="not_missing",
        columns=(column.name,),
        severity="critical" if _is_vital(form, column) else severity_of(form, column),
        sentence=f"{called(column)} must be filled in.",
        remedy="Ask the site for the value.",
    ).on(form)
