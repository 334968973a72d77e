"""A record belongs to a planned visit, and is dated inside its window. Not here: other dates."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must


def visit_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rules on a form's visits; one outside the plan is set aside, a late one asked about."""
    if "visit" in form.columns:
        yield _planned(form, trial)
    if not (form.date and _has_windows(trial)):
        return
    if "visit" in form.columns or form.wide:
        yield _in_window(form)
    elif form.kind == "visits":
        yield _assignable(form)


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
