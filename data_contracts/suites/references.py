"""Each record belongs to a participant the other forms know. Not here: keys within a form."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must, has_visits

AFTER_RANDOMISATION = ("sessions", "discontinuations")


def reference_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rules that a form's participants are registered, and (as a note) that they are randomised."""
    (participants,), (allocation,) = trial.forms_of("participants"), trial.forms_of("allocation")
    if form.kind != "participants":
        yield _registered(form, participants)
        if form.kind in AFTER_RANDOMISATION or (form.kind == "visits" and has_visits(form)):
            yield _only_randomised(form, allocation, trial)
    else:
        yield _randomised(form, allocation)


def _only_randomised(form: Form, allocation: Form, trial: Trial) -> Rule:
    """Return the rule that what comes after randomisation is of the randomised; of visits, the follow-ups."""
    of_visits = form.kind == "visits"
    visits = tuple(visit.code for visit in trial.follow_ups) if of_visits else ()
    return Must(
        dimension="reference",
        check="known",
        columns=("participant", "visit") if of_visits else ("participant",),
        about=allocation.name,
        severity="warning",
        sentence=f"A participant with {'follow-ups' if of_visits else 'records'} here must be in the form "
        f"“{allocation.label}”.",
        remedy="Correct the participant's number, or add the missing allocation.",
        arguments={"form": allocation.name, "visits": visits},
    ).on(form)


def _registered(form: Form, participants: Form) -> Rule:
    return Must(
        dimension="reference",
        check="known",
        columns=("participant",),
        about=participants.name,
        severity="critical",
        sentence=f"The participant must be in the form “{participants.label}”.",
        remedy="Correct the participant's number, or add the missing registration.",
        arguments={"form": participants.name},
    ).on(form)


def _randomised(form: Form, allocation: Form) -> Rule:
    return Must(
        dimension="reference",
        check="known",
        columns=("participant",),
        about=allocation.name,
        severity="info",
        sentence=f"A participant who is in the trial is in the form “{allocation.label}”.",
        remedy="Add the allocation if the participant was randomised; who was only screened needs none.",
        arguments={"form": allocation.name},
    ).on(form)
