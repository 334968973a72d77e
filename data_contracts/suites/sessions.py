"""Therapy sessions are held with those allocated to them. Not here: dose (analysis.derive.populations)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import OF_THERAPY, Form, Trial
from data_contracts.suites.must import Must


def session_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rule that sessions are of the therapy arms; a breach may be true, so it is asked about."""
    arms = tuple(arm.code for arm in trial.arms if arm.therapy)
    if form.kind in OF_THERAPY and arms:
        yield Must(
            dimension="allocation",
            check="in_therapy_arm",
            columns=("participant",),
            about="therapy_arm",
            severity="warning",
            sentence=f"{form.label} should be recorded only for participants randomised to the therapy.",
            remedy="Correct the participant's number; if they did receive therapy, log a deviation.",
            arguments={"values": arms},
            reveals_allocation=True,
        ).on(form)
