"""A record belongs to a planned visit, in its window and in its turn. Not here: other dates, overdue visits."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must, has_visits


def visit_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rules on a form's visits; one outside the plan is set aside, a late one asked about."""
    if "visit" in form.columns:
        yield _planned(form, trial)
    if form.date and has_visits(form):
        yield from _in_sequence(form, trial)
    if not (form.date and _has_windows(trial)):
        return
    if has_visits(form):
        yield _in_window(form)
    elif form.kind == "visits":
        yield _assignable(form)


def _in_sequence(form: Form, trial: Trial) -> Iterator[Rule]:
    (allocation,) = trial.forms_of("allocation")
    if allocation.date and not _has_windows(trial):  # a window counts from randomisation as it is
        yield Must(
            dimension="visit",
            check="after_randomisation",
            columns=(form.date, "visit"),
            about="after_randomisation",
            severity="warning",
            sentence="A follow-up must not be dated before randomisation.",
            remedy="Check both dates (are day and month in order?).",
        ).on(form)
    yield Must(
        dimension="visit",
        check="in_turn",
        columns=(form.date, "visit"),
        about="in_turn",
        severity="warning",
        sentence="A visit must not be dated before an earlier one of the same participant.",
        remedy="Check the dates of both, and that neither carries the other's visit.",
    ).on(form)
    yield Must(
        dimension="pattern",
        check="own_day",
        columns=(form.date, "visit"),
        about="own_day",
        severity="info",
        sentence="Two visits of a participant should not be dated on one day.",
        remedy="See whether the date was copied.",
    ).on(form)


def _has_windows(trial: Trial) -> bool:
    (allocation,) = trial.forms_of("allocation")
    return bool(allocation.date) and any(visit.window for visit in trial.visits)


def _planned(form: Form, trial: Trial) -> Rule:
    codes = tuple(visit.code for visit in trial.visits)
    return Must(
        dimension="visit",
        check="in_set",
        columns=("visit",),
        about="planned",
        severity="critical",
        sentence=f"The visit must be in the plan: {', '.join(codes)}, or a code that stands for one.",
        remedy="Correct the visit, or add its code to the trial file.",
        arguments={"values": codes},
    ).on(form)


def _in_window(form: Form) -> Rule:
    return Must(
        dimension="visit",
        check="in_window",
        columns=(form.date,),
        about="window",
        severity="warning",
        sentence="The visit should be dated inside its window, counted in days from randomisation.",
        remedy="Check the date (are day and month in order?); if it is right, log a deviation.",
    ).on(form)


def _assignable(form: Form) -> Rule:
    return Must(
        dimension="visit",
        check="assignable",
        columns=(form.date,),
        about="assigned",
        severity="critical",
        sentence="The date must fall into the window of a planned visit of a randomised participant.",
        remedy="Check the date and the participant's date of randomisation.",
    ).on(form)
