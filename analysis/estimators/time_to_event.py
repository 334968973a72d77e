"""Compare times to an event: Kaplan-Meier, log-rank, Cox, restricted mean. Not here: the curves (survival_curve)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.comparison import common_row, contrast, not_comparable, not_estimated
from analysis.estimators.counts import why_no_fit
from analysis.estimators.design import Design, single_visit_design
from analysis.estimators.limits import normal_row, ratio_row
from analysis.estimators.observed import analysed_arms, person_time
from analysis.estimators.random_effects_data import independent_columns
from analysis.estimators.survival_curve import Curve, kaplan_meier
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
COX = "Cox regression, Efron's handling of ties"
CURVE = "Kaplan-Meier, limits on the log-log scale by Greenwood's formula"
MEAN = "area under the Kaplan-Meier curve"
LOG_RANK = "log-rank test"


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return events and event-free shares by arm, log-rank test, hazard ratio and restricted mean times.

    Args:
        analysis_set: One row per participant and visit, with `<outcome>` and `<outcome>_days`.
        trial: The trial.
        analysis: The declared analysis of a time to event; `rmst_days` is the horizon of the restricted mean, by
            default the shorter of the arms' longest times followed.
    """
    outcome = trial.estimands[analysis.estimand].outcome
    design = single_visit_design(analysis_set[analysis_set[f"{outcome}_days"] > 0], trial, analysis)
    common = common_row(trial, analysis, design, COX)
    had = design.rows[outcome].to_numpy(dtype="float64")
    days = design.rows[f"{outcome}_days"].to_numpy(dtype="float64")
    observed = list(_observed(days, had, design, common))
    if reason := not_comparable(design):
        return [*observed, *not_estimated(design, ("",), common, "not estimable", reason)]
    curves = {arm: kaplan_meier(days[here], had[here]) for arm, here in _by_arm(design).items()}
    return [
        *observed,
        *_curves(curves, design, common, analysis),
        *_log_rank(days, had, design, common),
        *_hazards(days, had, design, (common, analysis)),
        *_means(curves, design, common, analysis),
    ]


def _by_arm(design: Design) -> dict[str, npt.NDArray[np.bool_]]:
    return {arm: (design.rows["arm"] == arm).to_numpy(dtype=bool) for arm in design.arms}


def _observed(days: Array, had: Array, design: Design, common: Statistic) -> Iterator[Statistic]:
    for shared, here in analysed_arms(design, common):
        yield replace(shared, statistic="count", value=float(had[here].sum()), unit="participants")
        yield from person_time(had[here], days[here], replace(shared, unit="events"))


def _curves(
    curves: dict[str, Curve], design: Design, common: Statistic, analysis: Analysis
) -> Iterator[Statistic]:
    horizon = _horizon(curves, analysis)
    for arm, curve in curves.items():
        n = int((design.rows["arm"] == arm).sum())
        shared = replace(common, arm=arm, n=n, n_observations=n, method=CURVE)
        at = replace(shared, statistic="event-free", at=f"day {horizon:g}", unit="")
        if curve.reaches(horizon):
            yield _survival(at, curve, horizon, analysis.confidence)
        else:
            yield replace(at, status="not estimable", reason=_too_short([arm], horizon))


def _too_short(arms: list[str], horizon: float) -> str:
    return f"nobody of arm {', '.join(arms)} was followed to day {horizon:g}"


def _survival(row: Statistic, curve: Curve, day: float, confidence: float) -> Statistic:
    from scipy import stats

    value, se = curve.at(day)
    named = replace(row, value=value, se=se, confidence=confidence)
    if not 0 < value < 1:
        return named
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * se / (value * abs(np.log(value)))
    return replace(named, lower=float(value ** np.exp(reach)), upper=float(value ** np.exp(-reach)))


def _log_rank(days: Array, had: Array, design: Design, common: Statistic) -> Iterator[Statistic]:
    from scipy import stats
    from statsmodels.duration.survfunc import survdiff

    for arm, row in _contrasts(design, replace(common, method=LOG_RANK, statistic="log-rank", unit="")):
        here = design.rows["arm"].isin([design.arms[0], arm]).to_numpy()
        if not had[here].any():
            yield replace(row, status="not estimable", reason="no event in either arm")
            continue
        group = (design.rows["arm"] == arm).to_numpy()[here]
        try:
            statistic = float(survdiff(days[here], had[here], group)[0])
        except np.linalg.LinAlgError:
            yield replace(row, status="not estimable", reason="at no event were both arms still followed")
            continue
        yield replace(row, value=statistic, df=1.0, p_value=float(stats.chi2.sf(statistic, 1)))


def _contrasts(design: Design, row: Statistic) -> Iterator[tuple[str, Statistic]]:
    yield from ((arm, replace(row, contrast=contrast(design, arm))) for arm in design.arms[1:])


def _hazards(
    days: Array, had: Array, design: Design, plan: tuple[Statistic, Analysis]
) -> Iterator[Statistic]:
    common, analysis = plan
    shared = replace(common, statistic="hazard ratio", unit="")
    empty = [arm for arm, here in _by_arm(design).items() if not had[here].any()]
    fit = None if empty else fit_cox(days, had, design.matrix)
    reason = (
        f"no event in {design.named(empty)}: a ratio of hazards has no finite estimate"
        if empty
        else why_no_fit(had, design.matrix)
    )
    for arm, row in _contrasts(design, shared):
        if fit is None:
            yield replace(row, status="not estimable", reason=reason)
            continue
        columns, beta, covariance = fit
        place = columns.index(f"arm[{arm}]")
        yield ratio_row(
            row, float(beta[place]), float(np.sqrt(covariance[place, place])), analysis.confidence
        )


def fit_cox(days: Array, had: Array, design: pd.DataFrame) -> tuple[tuple[str, ...], Array, Array] | None:
    """Return columns, log hazard ratios (p,) and their covariance (p, p); None where it does not converge."""
    import warnings

    from statsmodels.duration.hazard_regression import PHReg

    matrix = design.to_numpy(dtype="float64")
    kept = [j for j in independent_columns(matrix) if np.ptp(matrix[:, j]) > 0]  # no intercept
    columns = tuple(str(name) for name in design.columns[kept])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its verdict is read from the estimates
        try:
            fit = PHReg(days, matrix[:, kept], status=had, ties="efron").fit(disp=0)
            beta, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
        except (np.linalg.LinAlgError, ValueError):
            return None
    usable = np.isfinite(covariance).all() and np.abs(beta).max() < 15
    return (columns, beta, covariance) if usable else None


def _horizon(curves: dict[str, Curve], analysis: Analysis) -> float:
    return float(analysis.rmst_days or min(curve.last for curve in curves.values()))


def _means(
    curves: dict[str, Curve], design: Design, common: Statistic, analysis: Analysis
) -> Iterator[Statistic]:
    horizon = _horizon(curves, analysis)
    shared = replace(common, method=MEAN, at=f"up to day {horizon:g}", unit="days")
    short = [arm for arm, curve in curves.items() if not curve.reaches(horizon)]
    if short:
        reason = _too_short(short, horizon)
        for _, row in _contrasts(design, shared):
            yield replace(row, statistic="restricted mean difference", status="not estimable", reason=reason)
        return
    means = {arm: curve.restricted_mean(horizon) for arm, curve in curves.items()}
    for arm, (mean, se) in means.items():
        row = normal_row(replace(shared, statistic="restricted mean", arm=arm), mean, se, analysis.confidence)
        yield replace(row, p_value=float("nan"))
    reference = means[design.arms[0]]
    for arm, row in _contrasts(design, replace(shared, statistic="restricted mean difference")):
        difference, se = means[arm][0] - reference[0], float(np.hypot(means[arm][1], reference[1]))
        if se > 0:
            yield normal_row(row, difference, se, analysis.confidence)
        else:
            reason = f"no event in either arm that the curves' spread at day {horizon:g} could be told from"
            yield replace(row, status="not estimable", reason=reason)
