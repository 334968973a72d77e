"""Rubin's rules, the jackknife and the bootstrap on numbers one can follow."""

import numpy as np
import pytest

from analysis.imputation import ImputationError
from analysis.imputation.estimates import Analysis, Row
from analysis.imputation.pooling import barnard_rubin, bootstrap, jackknife, rubin

ROWS = [Row("contrast", "SRT", "UC", "15")]


def analysis(estimates, se=None, df=20.0):
    values = np.array(estimates, dtype=float)[:, None]
    return Analysis(
        ROWS,
        values,
        None if se is None else np.full(values.shape, se),
        None if se is None else np.full(values.shape, df),
    )


def test_rubins_rules_by_hand():
    """Estimates 1, 2, 3 with variance 4: mean 2, within 4, between 1, total 4 + 4/3."""
    row = rubin(analysis([1, 2, 3], se=2.0)).table.iloc[0]
    assert row["estimate"] == 2.0
    assert row["se"] == pytest.approx(np.sqrt(16 / 3))
    assert row["mc_se"] == pytest.approx(np.sqrt(1 / 3))
    lost = (4 / 3) / (16 / 3)
    old, observed = 2 / lost**2, 21 / 23 * 20 * (1 - lost)
    assert row["df"] == pytest.approx(old * observed / (old + observed))


def test_degrees_of_freedom_without_missing_data_are_the_complete_datas_shrunk():
    """Between variance zero: only the factor (v + 1) / (v + 3) is left; infinite v gives Rubin's own."""
    one = np.array([1.0])
    assert barnard_rubin(np.array([20.0]), 0 * one, one, 5)[0] == pytest.approx(21 / 23 * 20)
    lost = 1.2 * 0.5 / 1.6
    assert barnard_rubin(np.array([np.inf]), 0.5 * one, 1.6 * one, 5)[0] == pytest.approx(4 / lost**2)


def test_limits_and_p_are_those_of_students_t():
    from scipy import stats

    row = rubin(analysis([1, 2, 3], se=0.5)).table.iloc[0]
    half = stats.t.ppf(0.975, row["df"]) * row["se"]
    assert (row["lower"], row["upper"]) == pytest.approx((2 - half, 2 + half))
    assert row["p"] == pytest.approx(2 * stats.t.sf(2 / row["se"], row["df"]))


def test_the_jackknife_by_hand_with_normal_limits():
    """Left out: 1, 2, 6 about 3, squares 4 + 1 + 9; times 2/3."""
    pooled = jackknife(analysis([2.5]), analysis([1, 2, 6]), np.ones(3, dtype=bool))
    row = pooled.table.iloc[0]
    assert row["estimate"] == 2.5
    assert row["se"] == pytest.approx(np.sqrt(14 * 2 / 3))
    assert row["upper"] == pytest.approx(2.5 + 1.959963984540054 * row["se"])
    assert (pooled.se_method, pooled.n_sets, pooled.n_failed, row["df"]) == ("jackknife", 3, 0, np.inf)


def test_refits_that_failed_are_left_out_and_counted():
    found = jackknife(analysis([2.5]), analysis([1, 2, 6, 99]), np.array([True, True, True, False]))
    assert (found.n_sets, found.n_failed) == (3, 1)
    assert found.table["se"].iloc[0] == pytest.approx(np.sqrt(14 * 2 / 3))


def test_the_bootstrap_gives_normal_and_percentile_limits():
    """R's quantile type 6 of 1 to 19: positions 0.5 and 19.5 are held at the ends; p counts one beyond."""
    pooled = bootstrap(analysis([10.0]), analysis(np.arange(1, 20)), 2)
    row = pooled.table.iloc[0]
    assert row["se"] == pytest.approx(np.arange(1, 20).std(ddof=1))
    assert (row["lower_percentile"], row["upper_percentile"]) == (1.0, 19.0)
    assert row["p_percentile"] == pytest.approx(2 * 1 / 20)
    assert (pooled.se_method, pooled.n_failed) == ("bootstrap", 2)


@pytest.mark.parametrize(
    ("pool", "says"),
    [
        (lambda: rubin(analysis([1.0], se=1.0)), "at least 2 imputations"),
        (lambda: rubin(analysis([1.0, 2.0])), "without standard errors"),
        (lambda: jackknife(analysis([1]), analysis([1, 2]), np.array([True, False])), "at least 2"),
        (lambda: bootstrap(analysis([1]), analysis([1]), 9), "at least 2"),
    ],
)
def test_too_little_to_pool_is_refused(pool, says):
    with pytest.raises(ImputationError, match=says):
        pool()
