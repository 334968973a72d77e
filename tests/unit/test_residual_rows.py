"""What the primary model leaves over, told in groups: by hand, and nobody's own residual."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from analysis.estimators import residuals
from analysis.estimators.plan import _residuals
from analysis.estimators.residuals import (
    FEWEST,
    Residuals,
    describe_residuals,
    fitted_groups,
    of_repeated_measures,
)
from analysis.results import STATISTICS, Statistic
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Trial

TRIAL = load_trial(find_trial("demo"))
HOURS = "structured_activity_hours"


def _found(n: int, **changed: object) -> Residuals:
    values = np.arange(n, dtype=np.float64)
    own = Residuals(
        np.array(["m9"] * n, dtype=object), values, values / 10, values, "over their SD", "whitened"
    )
    return replace(own, **changed)  # type: ignore[arg-type]


def _rows(monkeypatch: pytest.MonkeyPatch, found: Residuals | None) -> list[Statistic]:
    monkeypatch.setattr(residuals, "ROUTES", {"mmrm": lambda *_: found})
    return describe_residuals(pd.DataFrame(), TRIAL)


def test_quantiles_are_means_of_neighbours_against_the_scores_of_their_ranks(monkeypatch) -> None:
    """By hand: 0 to 24 in two groups, of 13 and 12; their means are 6 and 18.5, the scores Blom's."""
    rows = [r for r in _rows(monkeypatch, _found(25)) if r.statistic == "residual quantile"]
    assert [(r.value, r.n_observations) for r in rows] == [(6.0, 13), (18.5, 12)]
    scores = ndtri((np.arange(1, 26) - 0.375) / 25.25)
    at = ndtri([float(r.at) for r in rows])
    assert at == pytest.approx([scores[:13].mean(), scores[13:].mean()], abs=2e-6)  # `at` has six decimals


def test_normal_residuals_lie_on_the_line(monkeypatch) -> None:
    """Expected normal order statistics must give back themselves, in the tails too."""
    normal = ndtri((np.arange(1, 401) - 0.375) / 400.25)
    rows = _rows(monkeypatch, _found(400, whitened=np.random.default_rng(1).permutation(normal)))
    quantiles = [r for r in rows if r.statistic == "residual quantile"]
    assert len(quantiles) == 40
    assert [r.value for r in quantiles] == pytest.approx(ndtri([float(r.at) for r in quantiles]), abs=1e-4)


def test_medians_have_the_groups_quartiles_as_limits(monkeypatch) -> None:
    """By hand: the lowest tenth of 0 to 199 over 10 is 0 to 19: median 0.95, quartiles 0.475 and 1.425."""
    rows = _rows(monkeypatch, _found(200))
    (first,) = [r for r in rows if (r.statistic, r.at) == ("residual median", "tenth 1")]
    assert (first.lower, first.value, first.upper) == pytest.approx((0.475, 0.95, 1.425))
    (fitted,) = [r for r in rows if (r.statistic, r.at) == ("fitted", "tenth 1")]
    assert (fitted.value, fitted.unit, fitted.n_observations) == (9.5, "hours/week", 20)
    (visit,) = [r for r in rows if r.visit == "m9"]
    assert visit.value == pytest.approx(9.95)
    assert {r.statistic for r in rows} <= set(STATISTICS)


def test_no_row_tells_a_participants_residual(monkeypatch) -> None:
    """An outlier is a person: means and quartiles of ten or more hide who, and by how much."""
    wild = np.concatenate([np.random.default_rng(2).normal(size=136), [1000.0]])
    rows = _rows(monkeypatch, _found(137, whitened=wild, standardised=wild))
    assert all(r.n_observations >= FEWEST for r in rows)
    told = {v for r in rows for v in (r.value, r.lower, r.upper)}
    assert not told & {wild.max(), wild.min()}
    assert np.nanmax(list(told)) < 150


def test_a_visit_with_few_residuals_is_refused(monkeypatch) -> None:
    """Nine people's quartiles are nearly theirs."""
    visits = np.array(["m9"] * 40 + ["m15"] * 9, dtype=object)
    rows = {r.visit: r for r in _rows(monkeypatch, _found(49, visit=visits)) if r.visit}
    assert (rows["m9"].status, rows["m15"].status) == ("ok", "not estimable")
    assert np.isnan(rows["m15"].value)
    assert rows["m15"].reason == "fewer than 10 residuals"


def test_fewer_than_ten_residuals_give_no_number(monkeypatch) -> None:
    """Not even over all."""
    assert all(np.isnan(r.value) for r in _rows(monkeypatch, _found(9)))


def test_equal_fitted_values_stay_together() -> None:
    """Else the groups would follow the order of the rows; a group too small joins its neighbour."""
    fitted = np.repeat([1.0, 2.0, 3.0, 4.0], [60, 4, 30, 26])
    order = np.random.default_rng(3).permutation(120)
    groups = fitted_groups(fitted[order])
    assert [len(set(groups[fitted[order] == value])) for value in (1.0, 2.0, 3.0, 4.0)] == [1, 1, 1, 1]
    assert np.bincount(groups).min() >= FEWEST


@pytest.mark.parametrize(("n", "sizes"), [(9, 1), (19, 1), (45, 4), (100, 10), (1000, 10)])
def test_there_are_as_many_groups_as_ten_to_each_allow(n: int, sizes: int) -> None:
    """At most tenths."""
    groups = np.bincount(fitted_groups(np.random.default_rng(4).normal(size=n)))
    assert len(groups) == sizes
    assert groups.min() >= min(n, FEWEST)


def test_a_fitted_value_at_a_limit_is_in_the_lower_group() -> None:
    """By hand: the first decile of 0 to 100 is 10, which makes eleven of the lowest group."""
    assert np.bincount(fitted_groups(np.arange(101.0))).tolist() == [11, *[10] * 9]


def test_an_estimator_without_residuals_gives_no_rows(monkeypatch) -> None:
    """Odds ratios have none of this kind; a model that was refused has none at all."""
    assert _rows(monkeypatch, None) == []
    monkeypatch.setattr(residuals, "ROUTES", {})
    assert describe_residuals(pd.DataFrame(), TRIAL) == []


def test_a_fault_is_told_and_stops_nothing(monkeypatch) -> None:
    """The results stand without their diagnostics; the error's text, which may quote a value, is not told."""

    def broken(*_: object) -> Residuals:
        raise ValueError("17.5")

    monkeypatch.setattr(residuals, "ROUTES", {"mmrm": broken})
    (row,) = _residuals(pd.DataFrame(), TRIAL)
    assert (row.status, "17.5" in row.reason, "ValueError" in row.reason) == ("failed", False, True)


def _invented(rng: np.random.Generator, n: int = 80) -> pd.DataFrame:
    """Return an analysis set in which the therapy arm varies three times as much, with therapists."""
    arms, level = np.repeat(["UC", "SRT"], n // 2), rng.normal(0, 5, n)
    people = pd.DataFrame({
        "participant": [f"P{i:03d}" for i in range(n)], "arm": pd.Categorical(arms, ["UC", "SRT"]),
        "site": "Norfolk", "sex": rng.choice(["Female", "Male"], n), "in_randomised": True,
        "therapist": np.where(arms == "SRT", [f"T{i % 6}" for i in range(n)], None),
        f"{HOURS}_baseline": rng.normal(12, 5, n), "level": level,
    })  # fmt: skip
    frame = people.merge(
        pd.DataFrame({"visit": ["m9", "m15", "m24"], "month": [9.0, 15.0, 24.0]}), how="cross"
    )
    noise = rng.normal(0, 4, len(frame)) * np.where(frame["arm"] == "SRT", 3, 1)
    return frame.assign(**{HOURS: (frame["level"] + noise).where(rng.random(len(frame)) > 0.1)})


def _with(**changed: object) -> Trial:
    own = TRIAL.primary_analysis.model_copy(update={"covariates": ("sex",), **changed})
    return TRIAL.model_copy(update={"analyses": {**TRIAL.analyses, "primary": own}})


def test_residuals_are_over_their_own_groups_sd() -> None:
    """With one SD for both arms the therapy arm's would be near 1.3, usual care's near 0.6."""
    trial, frame = _with(group="arm"), _invented(np.random.default_rng(6))
    found = of_repeated_measures(frame, trial, trial.primary_analysis)
    assert found is not None
    arm = frame.loc[frame[HOURS].notna(), "arm"].to_numpy()
    for one in ("UC", "SRT"):
        assert found.standardised[arm == one].std() == pytest.approx(1, abs=0.1)
        assert found.whitened[arm == one].std() == pytest.approx(1, abs=0.1)


def test_under_shared_random_effects_residuals_are_given_them() -> None:
    """Participants of a therapist are not independent: there is no factor by participant."""
    trial = _with(random=("therapist:arm=SRT",))
    found = of_repeated_measures(_invented(np.random.default_rng(7)), trial, trial.primary_analysis)
    assert found is not None
    assert (
        found.whitening
        == found.scaling
        == "residual given the random effects over the residual SD of its visit"
    )
    assert found.whitened is found.standardised


def test_the_random_intercept_is_the_engines_compound_symmetry() -> None:
    """One route for both; the linear mixed model's fit gives no residuals by itself."""
    frame, trial = _invented(np.random.default_rng(8)), _with(estimator="lmm")
    rows = describe_residuals(frame, trial)
    same = describe_residuals(frame, _with(covariance="cs", fallback=()))
    assert [(r.at, r.visit, r.value) for r in rows] == [(r.at, r.visit, r.value) for r in same]


def test_the_order_of_the_rows_does_not_matter() -> None:
    """Groups go by values alone; what is left is the rounding of sums."""
    frame, trial = _invented(np.random.default_rng(9)), _with()
    turned = frame.sample(frac=1, random_state=1)
    one, other = describe_residuals(frame, trial), describe_residuals(turned, trial)
    assert [(r.at, r.visit) for r in one] == [(r.at, r.visit) for r in other]
    assert [r.value for r in one] == pytest.approx([r.value for r in other], abs=1e-7)
