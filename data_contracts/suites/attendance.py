"""Visits that should have been, and what must be known at each. Not here: windows and order (visits)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Column, Form, Trial, Visit
from data_contracts.suites.must import Must, called, has_visits, severity_of


def attendance_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per column that some visits need and, on the allocation, per visit that is expected.

    A visit is asked about on the participant's allocation, since it has no record of its own; once its
    window has closed, and not of those who were withdrawn before.
    """
    for column in form.columns.values():
        if column.required_at and has_visits(form):
            yield _filled(form, column, trial)
    if form.kind == "allocation" and form.date:
        for visits_form in trial.forms_of("visits"):
            for visit in trial.visits:
                if visit.code in visits_form.expected_at and visit.window:
                    yield _overdue(form, visits_form, visit, visit.window[1])


def _filled(form: Form, column: Column, trial: Trial) -> Rule:
    labels = [visit.label for visit in trial.visits if visit.code in column.required_at]
    return Must(
        dimension="completeness",
        check="filled_at",
        columns=(column.name, "visit"),
        about=f"{column.name}.by_visit",
        severity=severity_of(form, column),
        sentence=f"{called(column)} must be filled in at: {', '.join(labels)}.",
        remedy="Ask the site for the value.",
        arguments={"visits": column.required_at},
    ).on(form)


def _overdue(form: Form, visits_form: Form, visit: Visit, closes: int) -> Rule:
    return Must(
        dimension="completeness",
        check="there_in_time",
        columns=("participant",),
        about=f"{visits_form.name}.{visit.code}",
        severity="warning",
        sentence=f"“{visits_form.label}” should be there for the visit “{visit.label}”, whose window has closed.",
        remedy="Enter it, or record the withdrawal, or that the visit was missed.",
        arguments={"form": visits_form.name, "visit": visit.code, "closes": closes},
        owner=visits_form.owner,
    ).on(form)
