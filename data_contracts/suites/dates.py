"""What happened first is dated first, and nothing tomorrow. Not here: visits' windows and order (visits)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Column, Form, FormKind, Severity, Trial
from data_contracts.suites.must import Must, called, columns_in

ONE_PER_PARTICIPANT: tuple[FormKind, ...] = ("participants", "allocation", "withdrawals")


def date_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per date, that it has come, and one per declared pair of dates judged on this form.

    Which of the two is wrong can't be known, so the record is set aside only where both are critical.
    """
    for column in columns_in(form, trial):
        if column.type == "date" and not column.may_be_future:
            yield _has_come(form, column)
    for earlier, later in trial.dates_in_order:
        if _judged_on(earlier, later, trial) == form.name:
            yield _in_order(form, earlier, later, trial)


def _has_come(form: Form, column: Column) -> Rule:
    return Must(
        dimension="date",
        check="not_future",
        columns=(column.name,),
        about=f"{column.name}.future",
        severity="info" if column.severity == "info" else "warning",  # the clock may be what is wrong
        sentence=f"{called(column)} must not lie after the day of the export.",
        remedy="Check the date (are day and month in order, is it the year?).",
    ).on(form)


def _judged_on(earlier: str, later: str, trial: Trial) -> str:
    """Return the form that holds the rule: the later date's, or the one with many records per participant."""
    first, second = (trial.forms[name.split(".")[0]] for name in (earlier, later))
    many_first = first.kind not in ONE_PER_PARTICIPANT and second.kind in ONE_PER_PARTICIPANT
    return first.name if many_first else second.name


def _in_order(form: Form, earlier: str, later: str, trial: Trial) -> Rule:
    pair = [name.split(".") for name in (earlier, later)]
    columns = [trial.forms[f].columns[c] for f, c in pair]
    own = later if pair[1][0] == form.name else earlier
    severity: Severity = "critical" if {c.severity for c in columns} == {"critical"} else "warning"
    return Must(
        dimension="date",
        check="in_order",
        columns=(own.split(".")[1],),
        about=f"{earlier}-{later}",
        severity=severity,
        sentence=f"{called(columns[0])} must not be after {called(columns[1])}.",
        remedy="Check both dates (are day and month in order?).",
        arguments={"earlier": earlier, "later": later},
    ).on(form)
