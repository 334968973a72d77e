"""The randomisation list is whole and was kept to: numbers, dates, blocks, ratio. Not here: arms (allocation).

Nobody is left out of the trial for a fault of the list: who was randomised stays so, and the fault is asked
about, as critical, of whoever holds the list.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must

REMEDY = "Ask whoever holds the randomisation list, and log what is found."


def randomisation_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rules on the list, as far as `[randomisation]` says what it holds and how it was made."""
    plan = trial.randomisation
    if form.kind != "allocation":
        return
    for column in (plan.sequence, plan.block):
        if column:
            yield _by_one(form, trial, column, shared=column == plan.block)
    if form.date and (plan.sequence or plan.block):
        yield _dated_in_turn(form, trial, plan.sequence or plan.block)
    if plan.block and plan.block_sizes:
        yield _filled(form, trial)
        yield _in_ratio(form, trial)
    if plan.block_sizes:
        yield _balanced(form, trial)


def shares(trial: Trial) -> Mapping[str, float]:
    """Return each arm's share of a block, equal where no ratio is declared."""
    weights = {arm.code: trial.randomisation.ratio.get(arm.code, 1) for arm in trial.arms}
    return {code: weight / sum(weights.values()) for code, weight in weights.items()}


def _list_must(**given: Any) -> Must:
    return Must(dimension="randomisation", severity="critical", effect="query", remedy=REMEDY, **given)


def _within(trial: Trial) -> str:
    return f" within each stratum ({' by '.join(trial.strata)})" if trial.strata else ""


def _by_one(form: Form, trial: Trial, column: str, *, shared: bool) -> Rule:
    named = "Blocks" if shared else "Entries"
    return _list_must(
        check="steps_by_one",
        columns=(column,),
        about=f"sequence.{column}",
        sentence=f"{named} must be numbered 1, 2, 3 … without gaps or repeats{_within(trial)}.",
        arguments={"shared": shared},
    ).on(form)


def _dated_in_turn(form: Form, trial: Trial, column: str) -> Rule:
    return _list_must(
        check="dated_in_turn",
        columns=(column, form.date),
        about="dated_in_turn",
        sentence=f"Dates must follow the order of {column}{_within(trial)}.",
    ).on(form)


def _filled(form: Form, trial: Trial) -> Rule:
    plan = trial.randomisation
    sizes = " or ".join(map(str, sorted(plan.block_sizes)))
    return _list_must(
        check="block_filled",
        columns=(plan.block,),
        about="block_size",
        sentence=f"Each block but the last{_within(trial)} must have {sizes} participants.",
        arguments={"sizes": plan.block_sizes},
    ).on(form)


def _in_ratio(form: Form, trial: Trial) -> Rule:
    plan = trial.randomisation
    ratio = ", ".join(f"{code} {share:.3g}" for code, share in shares(trial).items())
    return _list_must(
        check="block_in_ratio",
        columns=(plan.block, "arm"),
        about="block_ratio",
        sentence=f"Each finished block must hold the arms in the planned shares: {ratio}.",
        arguments={"sizes": plan.block_sizes, "shares": shares(trial)},
        reveals_allocation=True,
    ).on(form)


def _balanced(form: Form, trial: Trial) -> Rule:
    most = max(trial.randomisation.block_sizes)
    return _list_must(
        check="balanced",
        columns=("arm",),
        about="balance",
        sentence=f"Arms must be balanced{_within(trial)}, up to one unfinished block of {most}.",
        arguments={"shares": shares(trial), "most": most},
        reveals_allocation=True,
    ).on(form)
