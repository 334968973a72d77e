"""Each participant is randomised once, to an arm of the plan. Not here: what it then receives (sessions)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must


def allocation_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rules on the allocation form.

    A wrong arm withholds everything: it would bias the comparison, and to leave the participant out would
    too. A participant listed twice in one arm is set aside until the list is mended.
    """
    if form.kind == "allocation":
        yield _planned_arm(form, trial)
        yield _one_arm(form)
        yield _once(form)


def _planned_arm(form: Form, trial: Trial) -> Rule:
    codes = tuple(arm.code for arm in trial.arms)
    return Must(
        dimension="allocation",
        check="in_set",
        columns=("arm",),
        severity="critical",
        effect="withhold",
        sentence=f"The arm must be in the plan: {', '.join(codes)}, or a code that stands for one of them.",
        remedy="Correct the allocation list, or add the code to the trial file.",
        arguments={"values": codes},
        reveals_allocation=True,
    ).on(form)


def _one_arm(form: Form) -> Rule:
    return Must(
        dimension="allocation",
        check="one_arm",
        columns=("arm",),
        about="one_arm",
        severity="critical",
        effect="withhold",
        sentence="A participant must be in one arm only.",
        remedy="Ask whoever holds the allocation list which arm is right.",
        reveals_allocation=True,
    ).on(form)


def _once(form: Form) -> Rule:
    return Must(
        dimension="allocation",
        check="unique",
        columns=("participant",),
        about="once",
        severity="critical",
        sentence="A participant must be randomised once.",
        remedy="Ask whoever holds the allocation list which entry is right; all of them are set aside.",
    ).on(form)
