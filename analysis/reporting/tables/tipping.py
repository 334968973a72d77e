"""The tipping point, and the difference at each delta that was tried. Not here: the heat map (figures)."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import NOTHING_TO_TIP, Estimate, comparison, contrast, estimates, first
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial

ANSWERING = ("primary", "secondary")  # roles of analyses that a conclusion rests on
GRID, POINT = "delta-adjusted difference", "tipping delta"
NOT_TIPPED = "the difference is not significant as imputed, so that there is no conclusion to tip"


def tipping_tables(results: pd.DataFrame, trial: Trial) -> tuple[Table, ...]:
    """Return a table per declared tipping-point analysis and compared arm: deltas by deltas."""
    analyses = [a for a in trial.analyses.values() if a.estimator == "tipping_point"]
    return tuple(_table(results, trial, a, arm) for a in analyses for arm in trial.compared_arms)


def tipping_sentence(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> str:
    """Return the tipping delta in words, or why there is none."""
    found = first(results, analysis=analysis.name, statistic=POINT, contrast=contrast(arm, trial))
    if found is None or found.status != "ok":
        return f"No tipping point: {_why_none(found)}."
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    more = "higher" if found.value > 0 else "lower"
    means = "better" if more == outcome.better else "worse"
    size = " ".join(filter(None, (numbers.number(abs(found.value), 1), outcome.unit)))
    where = f"if the missing values in arm {arm.label} were {size} {more} ({means}) than imputed"
    if not _is_concluded(results, trial, analysis, arm):
        return f"p, not adjusted, would reach {significance(analysis)} {where}; as it stands, no difference is claimed."
    return f"The conclusion would change {where}: there p reaches {significance(analysis)}."


def _is_concluded(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> bool:
    """Return whether the analyses that answer the estimand, as far as they are estimated, claim a difference."""
    own = (a for a in trial.analyses.values() if a.estimand == analysis.estimand and a.role in ANSWERING)
    found = (comparison(results, trial, one, arm) for one in own)
    return all(_claims(one) for one in found if one is not None)


def _claims(found: Estimate) -> bool:
    """Return whether an interval holds no zero, and its family, if it is in one, rejects it."""
    return not found.lower <= 0 <= found.upper and (not found.family or found.gate == "rejected")


def significance(analysis: Analysis) -> str:
    """Return below which level a p-value of an analysis is significant, such as "5%"."""
    return f"{100 * (1 - analysis.confidence):.4g}%"


def _why_none(found: Estimate | None) -> str:
    if found is None:
        return "it was not estimated"
    return NOT_TIPPED if found.reason == NOTHING_TO_TIP else found.reason.rstrip(".")


def grid_places(
    results: pd.DataFrame, analysis: Analysis, versus: str
) -> dict[tuple[float, float], Estimate]:
    """Return the rows of a grid by the two arms' deltas: compared arm, reference arm."""
    found = estimates(results, analysis=analysis.name, statistic=GRID, contrast=versus)
    return {_deltas(one.at): one for one in found}


def _deltas(at: str) -> tuple[float, float]:
    """Return the deltas of a place such as "SRT -2, UC +0"."""
    own, other = (part.rsplit(" ", 1)[1] for part in at.split(", "))
    return float(own), float(other)


def _table(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Table:
    places = grid_places(results, analysis, contrast(arm, trial))
    others = sorted({other for _, other in places})
    headings = [Column(_signed(other), detail=f"in {trial.reference_arm.label}") for other in others]
    several = f", {arm.label}" if len(trial.compared_arms) > 1 else ""
    return Table(
        name=f"tipping-{analysis.name}-{arm.code}",
        caption=f"{analysis.label}{several}: difference (p) by what is added to imputed values",
        columns=(Column(f"Added in {arm.label}", "text"), *headings),
        groups=one_group(_rows(places, others)),
        notes=(tipping_sentence(results, trial, analysis, arm),),
        empty="The grid could not be estimated.",
    )


def _rows(places: dict[tuple[float, float], Estimate], others: list[float]) -> Iterator[Row]:
    for own in sorted({own for own, _ in places}):
        cells = [_cell(places.get((own, other))) for other in others]
        yield row(_signed(own), *cells)


def _cell(found: Estimate | None) -> Cell:
    if found is None:
        return Cell(numbers.ABSENT)
    return Cell(numbers.number(found.value, found.decimals), found.key, detail=f"p {_p(found.p_value)}")


def _p(p: float) -> str:
    shown = numbers.p_value(p)
    return shown if shown[0] in "<>" else f"= {shown}"


def _signed(delta: float) -> str:
    return f"+{delta:g}" if delta > 0 else numbers.MINUS + f"{-delta:g}" if delta < 0 else "0"
