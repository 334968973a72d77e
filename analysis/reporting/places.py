"""Where a report has an analysis: the table, and its address on the page. Not here: the tables."""

from collections.abc import Mapping

from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Place = tuple[str, str]  # title, address on the page
NOWHERE: Place = ("in the results table only", "")
BY_ROLE: Mapping[str, Place] = {
    "primary": ("Primary analysis", "#primary-table"),
    "secondary": ("Secondary outcomes", "#secondary-table"),
    "moderator": ("Subgroups", "#moderators-table"),
}
BY_ESTIMATOR: Mapping[str, Place] = {
    "cace": ("Compliers", "#cace-table"),
    "moderator": BY_ROLE["moderator"],
}


def place_of(analysis: Analysis, trial: Trial) -> Place:
    """Return where the answer of an analysis stands."""
    if analysis.role in BY_ROLE:
        return BY_ROLE[analysis.role]
    if analysis.estimator in BY_ESTIMATOR:
        return BY_ESTIMATOR[analysis.estimator]
    if analysis.estimator == "tipping_point":
        return "Tipping point", f"#tipping-{analysis.name}-{trial.compared_arms[0].code}"
    if trial.estimands[analysis.estimand].outcome == trial.primary.outcome:
        return "Cross-check and sensitivity", "#sensitivity-table"
    return NOWHERE
