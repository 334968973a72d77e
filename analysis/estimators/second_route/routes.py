"""One second route per estimator: the answers it must have published, found another way. Not here: comparing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.second_route import repeated_measures as repeated
from analysis.estimators.second_route import single
from analysis.estimators.second_route.formula import Model, analysed, model_of, single_terms
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
USABLE = ("ok", "boundary")
DIFFERENCE, EFFECT = "adjusted mean difference", "treatment effect"
HEIGHT = 1e-8  # relative, between the published log-likelihood and the dense one
GAIN = 1e-9  # of the log-likelihood, by moving a published SD; a move off the maximum loses about 1e-6


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far the routes may be apart: estimates in standard errors, standard errors in their own size."""

    estimate: float
    se: float
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An estimate found the second way; of a ratio, its logarithm."""

    statistic: str
    contrast: str
    value: float
    se: float  # NaN where the published one is of another kind
    visit: str = ""
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """What a second route found, or why it found nothing."""

    method: str
    tolerance: Tolerance
    answers: tuple[Answer, ...] = ()
    not_done: str = ""  # why there is nothing to compare
    disagrees: str = ""  # beyond single estimates


Route = Callable[[pd.DataFrame, Trial, Analysis, Sequence[Statistic]], Again]
CLOSED = Tolerance(1e-6, 1e-6, "closed forms, parted by rounding")
CLIMBED = Tolerance(1e-3, 5e-3, "climbed by scipy, with numeric second derivatives")
SEARCHED = Tolerance(1e-2, 1e-2, "two programs search the same likelihood, each to its own tolerance")
WIDENED = Tolerance(1e-6, 0.25, "small-sample corrections widen the published standard error")


def repeated_measures(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return dense least squares at the published covariance, if the likelihood has its maximum there."""
    method = "generalised least squares on dense matrices at the published covariance"
    data = repeated.again(analysis_set, trial, analysis)
    if isinstance(data, str):
        return Again(method, WIDENED, not_done=data)
    variances = repeated.published(found)
    beta, cov_beta, likelihood = data.at(variances)
    (height,) = (row.value for row in found if row.statistic == "log-likelihood")
    gain = max(repeated.gains(data, variances))
    apart = abs(likelihood - height)
    wrong = f"the likelihood is {apart:.2g} from the published one, and {gain:.2g} can be gained"
    disagrees = wrong if apart > HEIGHT * abs(height) or gain > GAIN else ""
    answers = tuple(
        _difference(data.model, beta, cov_beta, row, trial) for row in found if _is_comparison(row)
    )
    return Again(method, WIDENED, answers, disagrees=disagrees)


def random_intercept(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return the random-intercept model by the engine of pattern Grams; published is statsmodels'."""
    from analysis.estimators.mmrm import estimate

    own = analysis.model_copy(
        update={"estimator": "mmrm", "covariance": "cs", "fallback": (), "df": "residual", "random": ()}
    )
    again = {(r.statistic, r.contrast, r.visit): r for r in estimate(analysis_set, trial, own)}
    rows = [again[r.statistic, r.contrast, r.visit] for r in found if _is_comparison(r)]
    answers = tuple(Answer(r.statistic, r.contrast, r.value, r.se, r.visit) for r in rows)
    return Again("the engine's compound symmetry, which is a random intercept", SEARCHED, answers)


def covariance_analysis(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return least squares by the normal equations."""
    rows, model = _single(analysis_set, trial, analysis)
    beta, cov_beta = single.least_squares(_outcome(rows, trial, analysis), model.matrix)
    kept = single.independent(model.matrix)
    answers = tuple(
        _combined(r, _weights(model, r, trial)[kept], beta, cov_beta) for r in found if _is_comparison(r)
    )
    return Again("least squares by the normal equations", CLOSED, answers)


def compliers(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return two-stage least squares by its moments, and the sandwich written out."""
    rows, _ = _single(analysis_set, trial, analysis)
    answers = []
    for row in found:
        if row.statistic != "complier average causal effect" or row.status not in USABLE:
            continue
        arm, reference = _two(row, trial)
        two = rows[rows["arm"].isin([arm, reference])].reset_index(drop=True)
        others = model_of(two, single_terms(trial, analysis, with_arm=False)).matrix
        complied = two["sessions_attended"] >= (analysis.minimum_sessions or 1)
        taken, allocated = (
            np.asarray(complied, dtype=np.float64),
            np.asarray(two["arm"] == arm, dtype=np.float64),
        )
        value, se = single.instrumental(_outcome(two, trial, analysis), taken, allocated, others)
        answers.append(Answer(row.statistic, row.contrast, value, se, row.visit))
    return Again("instrumental variables by the method of moments", CLOSED, tuple(answers))


def proportions(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return the standardised risk differences of a logistic likelihood written out."""
    method = "the logistic likelihood written out and climbed, standardised by prediction"
    wanted = [r for r in found if r.statistic == "risk difference" and r.status in USABLE]
    if any(row.reason for row in wanted):
        return Again(method, CLIMBED, not_done="Firth's penalty was used: maximum likelihood has no estimate")
    rows, model = _single(analysis_set, trial, analysis)
    reference = trial.reference_arm.code
    arms = [reference, *(arm.code for arm in trial.compared_arms)]
    in_arm = [model.at(arm=arm) for arm in arms]
    risks, covariance = single.standardised_risks(_outcome(rows, trial, analysis), model.matrix, in_arm)
    answers = []
    for row in wanted:
        k = arms.index(_two(row, trial)[0])
        variance = covariance[k, k] + covariance[0, 0] - 2 * covariance[k, 0]
        value = float(risks[k] - risks[0])
        answers.append(Answer(row.statistic, row.contrast, value, float(np.sqrt(variance)), row.visit))
    return Again(method, CLIMBED, tuple(answers))


def ordered_levels(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return the common odds ratio of a proportional-odds likelihood written out."""
    rows, model = _single(analysis_set, trial, analysis)
    beta, covariance = single.proportional_odds(_outcome(rows, trial, analysis), model.matrix)
    return _ratios("common odds ratio", (beta, covariance), trial, found)


def event_rates(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return the rate ratio of a count's likelihood written out."""
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    days = f"{outcome.name}_days"
    followed = analysis_set[analysis_set[days] > 0] if outcome.event else analysis_set
    rows, model = _single(followed, trial, analysis)
    dispersion = [r.value for r in found if r.statistic == "dispersion"]
    if not dispersion:
        return Again("", CLIMBED, not_done="no ratio was published")
    counts = _outcome(rows, trial, analysis)
    exposure = rows[days].to_numpy(dtype=np.float64) if outcome.event else np.ones(len(rows))
    beta, covariance = single.rates(counts, exposure, model.matrix, dispersion[0])
    kept = single.independent(model.matrix)
    columns = [k for k, j in enumerate(kept) if np.ptp(model.matrix[:, j]) > 0]
    part = beta[columns], covariance[np.ix_(columns, columns)]
    return _ratios("rate ratio", part, trial, found)


def event_times(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Again:
    """Return the hazard ratio of Efron's partial likelihood written out."""
    days = f"{trial.estimands[analysis.estimand].outcome}_days"
    rows, model = _single(analysis_set[analysis_set[days] > 0], trial, analysis)
    if not any(r.statistic == "hazard ratio" and r.status in USABLE for r in found):
        return Again("", CLIMBED, not_done="no ratio was published")
    had, times = _outcome(rows, trial, analysis), rows[days].to_numpy(dtype=np.float64)
    return _ratios("hazard ratio", single.hazards(times, had, model.matrix), trial, found)


ROUTES: Mapping[str, Route] = {
    "mmrm": repeated_measures,
    "lmm": random_intercept,
    "ancova": covariance_analysis,
    "cace": compliers,
    "responder": proportions,
    "ordinal": ordered_levels,
    "counts": event_rates,
    "time_to_event": event_times,
}


def _is_comparison(row: Statistic) -> bool:
    return row.statistic in {DIFFERENCE, EFFECT} and row.status in USABLE and row.se > 0


def _two(row: Statistic, trial: Trial) -> tuple[str, str]:
    """Return the arm of a contrast and the reference arm."""
    reference = trial.reference_arm.code
    return row.contrast.removesuffix(f" - {reference}"), reference


def _single(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> tuple[pd.DataFrame, Model]:
    visit = trial.estimands[analysis.estimand].visit
    rows = analysed(analysis_set[analysis_set["visit"] == visit], trial, analysis)
    return rows, model_of(rows, single_terms(trial, analysis))


def _outcome(rows: pd.DataFrame, trial: Trial, analysis: Analysis) -> Array:
    return rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype=np.float64)


def _weights(model: Model, row: Statistic, trial: Trial) -> Array:
    visit = row.visit or trial.follow_ups[-1].code
    held = {"visit": visit, "month": next(v.month for v in trial.visits if v.code == visit)}
    return model.contrast(*_two(row, trial), held)


def _difference(model: Model, beta: Array, cov_beta: Array, row: Statistic, trial: Trial) -> Answer:
    return _combined(row, _weights(model, row, trial), beta, cov_beta)


def _combined(row: Statistic, weights: Array, beta: Array, cov_beta: Array) -> Answer:
    se = float(np.sqrt(weights @ cov_beta @ weights))
    return Answer(row.statistic, row.contrast, float(weights @ beta), se, row.visit)


def _ratios(statistic: str, fit: tuple[Array, Array], trial: Trial, found: Sequence[Statistic]) -> Again:
    """Return the ratios of arms: their coefficients are the last of the model, in the trial's order."""
    beta, covariance = fit
    arms = [arm.code for arm in trial.compared_arms]
    answers = []
    for row in found:
        if row.statistic == statistic and row.status in USABLE:
            k = len(beta) - len(arms) + arms.index(_two(row, trial)[0])
            se = float(np.sqrt(covariance[k, k]))
            answers.append(Answer(statistic, row.contrast, float(beta[k]), se, row.visit, is_log=True))
    return Again("the likelihood written out and climbed", CLIMBED, tuple(answers))
