"""How alike the participants of one cluster are, such as of a therapist: intraclass correlation, design effect.

Not here: the model they come from (mmrm). Sources: Roberts and Roberts (2005) for clustering in one arm;
Eldridge, Ashby and Kerry (2006) for the design effect with clusters of unequal size.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.random_effect import RandomEffect, random_effect
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from analysis.estimators.mmrm import FittedDesign


def clustering_rows(fitted: "FittedDesign", trial: Trial, analysis: Analysis) -> Iterator[Statistic]:
    """Yield the intraclass correlation and the design effect of each clustering, at the estimand's visit.

    Where the variance is zero the correlation is zero and has no limits.
    """
    visit = trial.estimands[analysis.estimand].visit
    for effect in (random_effect(text) for text in analysis.random):
        if effect.variables or not effect.factors or "participant" in effect.factors:
            continue
        group = effect.level if analysis.group == effect.column and effect.column else ""
        if analysis.group and not group:
            continue  # no one variance to hold it against
        yield from _rows(fitted, effect, visit, group, analysis)


def cluster_sizes(rows: pd.DataFrame, effect: RandomEffect) -> pd.Series:
    """Return participants by cluster, where the effect acts."""
    if effect.column:
        rows = rows[rows[effect.column].astype("object") == effect.level]
    people = rows.drop_duplicates("participant").dropna(subset=list(effect.factors))
    return people.groupby(list(effect.factors), observed=True).size()


def design_effect(sizes: pd.Series, icc: float) -> float:
    """Return 1 + ((1 + cv²) m - 1) icc, with m the mean size of a cluster and cv its coefficient of variation."""
    return 1 + (float((sizes**2).sum() / sizes.sum()) - 1) * icc


def _rows(
    fitted: "FittedDesign", effect: RandomEffect, visit: str, group: str, analysis: Analysis
) -> Iterator[Statistic]:
    from analysis.mixed import MixedModelError

    name, common = effect.name, fitted.comparison.common
    shared = replace(
        common, visit=visit, contrast=name, arm=effect.level if effect.column == "arm" else "", unit=""
    )
    try:
        found = fitted.fit.icc(1 - analysis.confidence, visit, group)
    except MixedModelError as error:
        yield replace(shared, statistic="intraclass correlation", status="not estimable", reason=str(error))
        return
    own = found.loc[[label for label in found.index if str(label).split(" (")[0] == name]]
    sizes = cluster_sizes(fitted.comparison.design.rows, effect)
    for icc, se, lower, upper in own.to_numpy(dtype="float64"):
        yield replace(
            shared,
            statistic="intraclass correlation",
            value=float(icc),
            se=float(se),
            lower=float(lower),
            upper=float(upper),
            confidence=analysis.confidence,
        )
        method = f"{len(sizes)} clusters of {sizes.min()} to {sizes.max()} participants; {common.method}"
        yield replace(
            shared, statistic="design effect", value=design_effect(sizes, float(icc)), method=method
        )
