"""The design of a comparison: columns of fixed effects, and the rows that stand for adjusted means.

Not here: fitting.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Base = dict[str, pd.Series]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows to analyse, their fixed-effect columns, and how to average over the covariates."""

    rows: pd.DataFrame  # (n, columns) of the analysis set
    matrix: pd.DataFrame  # (n, p) one column per term
    terms: tuple[tuple[str, ...], ...]  # (p,) the base columns each term multiplies
    averages: Mapping[str, float]  # base column -> its value in an adjusted mean
    visits: tuple[str, ...]  # follow-ups, in order
    arms: tuple[str, ...]  # the reference arm first
    arm_labels: Mapping[str, str] = field(default_factory=dict)
    visit_labels: Mapping[str, str] = field(default_factory=dict)

    def named(self, arms: Iterable[str]) -> str:
        """Return the labels of arms as a list, to say in a reason which they are."""
        return ", ".join(self.arm_labels.get(arm, arm) for arm in arms)

    def mean_row(
        self, arm: str, visit: str, held: Mapping[str, float] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the (p,) row of one arm's adjusted mean at a visit.

        Covariates stand at the mean of the analysed rows, the levels of a factor weigh equally
        (as SAS's LSMEANS); the base columns in `held` stand at their values there.
        """
        at = {**self._at(arm, visit), **(held or {})}
        return np.array([math.prod(at[name] for name in term) for term in self.terms], dtype=np.float64)

    def difference_row(
        self, arm: str, visit: str, held: Mapping[str, float] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the (p,) row of an arm's difference from the reference arm at a visit."""
        return self.mean_row(arm, visit, held) - self.mean_row(self.arms[0], visit, held)

    def _at(self, arm: str, visit: str) -> dict[str, float]:
        month = self.rows.loc[self.rows["visit"] == visit, "month"]
        indicators = {f"arm[{a}]": float(a == arm) for a in self.arms}
        indicators |= {f"visit[{v}]": float(v == visit) for v in self.visits}
        indicators["month"] = float(month.iloc[0]) if len(month) else float("nan")
        return {**self.averages, **indicators}


def follow_up_design(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Design:
    """Return the design of a repeated-measures comparison over all follow-up visits.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis: covariates, baseline, by-visit terms.
    """
    visits = tuple(v.code for v in trial.follow_ups)
    return _design(analysis_set, trial, analysis, visits)


def single_visit_design(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Design:
    """Return the design of a comparison at the estimand's visit alone (analysis of covariance)."""
    return _design(analysis_set, trial, analysis, (trial.estimands[analysis.estimand].visit,))


def moderated_design(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, column: str) -> Design:
    """Return the repeated-measures design with a moderator and its products with visits and arms.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis.
        column: The moderator's column in the analysis set; its levels' base columns are named as a factor's.
    """
    visits = tuple(v.code for v in trial.follow_ups)
    return _design(analysis_set[analysis_set[column].notna()], trial, analysis, visits, column)


def moderator_columns(design: Design, column: str) -> list[str]:
    """Return the base columns of a moderator: itself, or one per level but the first."""
    alone = [term[0] for term in design.terms if len(term) == 1]
    own = [name for name in alone if name.partition("[")[0] == column]
    return own or ["baseline"]  # the compared outcome's own baseline is in the model under that name


def _design(
    analysis_set: pd.DataFrame,
    trial: Trial,
    analysis: Analysis,
    visits: tuple[str, ...],
    moderator: str = "",
) -> Design:
    rows = analysed_rows(analysis_set, trial, analysis, visits)
    arms = tuple(arm.code for arm in trial.ordered_arms)
    baseline = baseline_column(trial, analysis)
    base, covariate_terms = _base_columns(rows, analysis, baseline, visits, arms)
    terms = _terms(analysis, visits, arms, covariate_terms, is_adjusted=bool(baseline))
    if moderator:
        own = (
            {"baseline": base["baseline"]} if moderator == baseline else _encoded(rows[moderator], moderator)
        )
        base, terms = {**base, **own}, _moderated(terms, list(own))
    matrix = pd.DataFrame({":".join(t): _product(base, t) for t in terms}, index=rows.index, dtype="float64")
    arm_labels = {arm.code: arm.label for arm in trial.arms}
    visit_labels = {visit.code: visit.label for visit in trial.visits}
    averages = _averages(base, rows, analysis)
    return Design(rows, matrix, terms, averages, visits, arms, arm_labels, visit_labels)


def baseline_column(trial: Trial, analysis: Analysis) -> str:
    """Return the column of the baseline a model adjusts for: of an outcome cut from another, the other's; or ""."""
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    if not analysis.baseline or not outcome.is_by_visit:
        return ""
    return f"{outcome.of or outcome.name}_baseline"


def analysed_rows(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, visits: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of the estimand's population with an outcome, every covariate and a covariance group."""
    estimand = trial.estimands[analysis.estimand]
    needed = [estimand.outcome, *analysis.covariates]
    needed += [analysis.group] if analysis.group else []
    needed += [before] if (before := baseline_column(trial, analysis)) else []
    here = analysis_set[analysis_set[f"in_{estimand.population}"] & analysis_set["visit"].isin(list(visits))]
    return here.dropna(subset=needed)


def _base_columns(
    rows: pd.DataFrame, analysis: Analysis, baseline: str, visits: tuple[str, ...], arms: tuple[str, ...]
) -> tuple[Base, list[str]]:
    """Return the base columns by name, and those that are covariates."""
    base: Base = {"Intercept": pd.Series(1.0, index=rows.index), "month": rows["month"].astype("float64")}
    base |= {f"arm[{a}]": (rows["arm"] == a).astype("float64") for a in arms}
    base |= {f"visit[{v}]": (rows["visit"] == v).astype("float64") for v in visits}
    covariates: Base = {}
    for name in analysis.covariates:
        covariates |= _encoded(rows[name], name)
    if baseline:
        base["baseline"] = rows[baseline].astype("float64")
    return {**base, **covariates}, list(covariates)


def _encoded(values: pd.Series, name: str) -> Base:
    """Return a number as it is, a factor as an indicator per observed level but the first."""
    if pd.api.types.is_numeric_dtype(values):
        return {name: values.astype("float64")}
    return {f"{name}[{level}]": (values == level).astype("float64") for level in _levels(values)[1:]}


def _levels(values: pd.Series) -> list[str]:
    observed = set(values.dropna().unique())
    order = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else sorted(observed)
    return [level for level in order if level in observed]


def _terms(
    analysis: Analysis,
    visits: tuple[str, ...],
    arms: tuple[str, ...],
    covariates: list[str],
    *,
    is_adjusted: bool,
) -> tuple[tuple[str, ...], ...]:
    """Return the fixed effects: visits, covariates and baseline first, so that the arms are dropped last."""
    by_visit = [f"visit[{v}]" for v in visits[1:]]
    time = ["month"] if analysis.visit_as == "month" and len(visits) > 1 else by_visit
    treated = [f"arm[{a}]" for a in arms[1:]]
    terms: list[tuple[str, ...]] = [("Intercept",), *((t,) for t in time)]
    if is_adjusted:
        terms += [("baseline",)]
        terms += [("baseline", t) for t in time] if analysis.baseline_by_visit else []
    terms += [(c,) for c in covariates]
    terms += [(c, t) for c in covariates if c.partition("[")[0] in analysis.covariates_by_visit for t in time]
    terms += [(a,) for a in treated]
    if analysis.treatment_by_visit:
        terms += [(a, t) for a in treated for t in time]
    return tuple(terms)


def _moderated(terms: tuple[tuple[str, ...], ...], moderator: list[str]) -> tuple[tuple[str, ...], ...]:
    """Return the terms with the moderator, and its product with each term of visits and arms."""
    acting = [t for t in terms if all(name.startswith(("visit[", "arm[")) or name == "month" for name in t)]
    acting = [t for t in acting if t != ("Intercept",)]
    added = [(m,) for m in moderator] + [(m, *t) for m in moderator for t in acting]
    known = {frozenset(term) for term in terms}
    return (*terms, *(term for term in added if frozenset(term) not in known))


def _product(base: Base, term: tuple[str, ...]) -> pd.Series:
    product = base[term[0]]
    for name in term[1:]:
        product = product * base[name]
    return product


def _averages(base: Base, rows: pd.DataFrame, analysis: Analysis) -> dict[str, float]:
    """Return the value of each base column in an adjusted mean: numbers at their mean, levels equal."""
    averages = {name: float(column.mean()) if len(column) else float("nan") for name, column in base.items()}
    for name in analysis.covariates:
        if not pd.api.types.is_numeric_dtype(rows[name]):
            levels = _levels(rows[name])
            averages |= {f"{name}[{level}]": 1 / len(levels) for level in levels[1:]}
    return averages
