"""Therapy sessions are held with those allocated to them. Not here: dose (analysis.derive.populations)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must


def session_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rule that sessions are of the therapy arms; a breach may be true, so it is asked about."""
    arms = tuple(arm.code for arm in trial.arms if arm.therapy)
    if form.kind == "sessions" and arms:
        yield Must(
            dimension="allocation",
            check="in_therapy_arm",
            columns=("participant",),
            about="therapy_arm",
            severity="warning",
            sentence="Sessions should be recorded only for participants randomised to the therapy.",
            remedy="Correct the participant's number; if the session was held, log a deviation.",
            arguments={"values": arms},
        ).on(form)
