"""Which trials there are, and which files have mistakes. Not here: what is a mistake (data_contracts)."""

from dataclasses import dataclass

from analysis.estimators import ESTIMATORS
from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, find_trial, load_trial, trial_files
from data_contracts.spec import Trial


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A trial and whether it came with the software: shipped examples don't run by themselves."""

    trial: Trial
    is_shipped: bool


def load_named(name: str) -> Enrolled:
    """Return one trial.

    Raises:
        PlanError: there is no such trial, or its file has mistakes.
    """
    path = find_trial(name)
    return Enrolled(load_trial(path, ESTIMATORS), path.parent == SHIPPED_TRIALS)


def load_all() -> tuple[list[Enrolled], dict[str, PlanError]]:
    """Return the trials whose files are right, and the mistakes of the others by name."""
    trials, mistakes = [], {}
    for name in trial_files():
        try:
            trials.append(load_named(name))
        except PlanError as error:
            mistakes[name] = error
    return trials, mistakes
