"""linear_combination by hand: two arms, two visits, one covariate."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.estimators.adjusted_means import linear_combination
from analysis.estimators.random_effects_fit import fit_random_effects


@dataclass(frozen=True)
class Effects:
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    dropped: tuple[str, ...]
    aliases: np.ndarray
    beta: np.ndarray
    cov_beta: np.ndarray


PLAIN = Effects(
    ("one", "arm"), ("one", "arm"), (), np.zeros((0, 2)), np.array([10.0, -2]), np.array([[4.0, -4], [-4, 9]])
)
# "double" = 2 * bl, and "empty" is zero in every row
WIDE = Effects(
    ("one", "double_first", "bl", "empty"),
    ("one", "double_first"),
    ("bl", "empty"),
    np.array([[0, 0.5], [0, 0]]),
    np.array([10.0, 3]),
    np.diag([1.0, 4]),
)


def test_means_and_their_difference_by_the_normal_distribution():
    """Means 10 and 8, variances 4 and 4 + 9 - 8; difference -2, standard error 3."""
    found = linear_combination(PLAIN, np.array([[1.0, 0], [1, 1], [0, 1]]))
    np.testing.assert_allclose(found.estimate, [10, 8, -2])
    np.testing.assert_allclose(found.se, [2, np.sqrt(5), 3])
    np.testing.assert_allclose(found.upper - found.estimate, 1.959963984540054 * found.se)
    np.testing.assert_allclose(found.estimate - found.lower, 1.959963984540054 * found.se)
    assert found.p_value[2] == pytest.approx(2 * stats.norm.sf(2 / 3))
    assert np.isinf(found.df).all()
    assert found.reasons == ("", "", "")


def test_limits_and_p_value_by_student_with_one_df_for_all_or_each():
    """t(2) at 0.975 is 4.302653, t(1) at 0.95 is 6.313752."""
    found = linear_combination(PLAIN, np.array([[0.0, 1]]), df=2)
    assert found.upper[0] == pytest.approx(-2 + 3 * 4.302652729911275)
    assert found.p_value[0] == pytest.approx(2 * stats.t.sf(2 / 3, 2))
    found = linear_combination(
        PLAIN, np.array([[0.0, 1], [0, 1]]), df=np.array([1.0, np.inf]), confidence=0.9
    )
    np.testing.assert_allclose(found.upper, [-2 + 3 * 6.313751514675043, -2 + 3 * 1.6448536269514722])


def test_a_combination_that_needs_a_dropped_column_has_no_estimate_and_says_which():
    """An empty cell, or a covariate apart from its double."""
    found = linear_combination(WIDE, np.array([[1.0, 0, 0, 1], [1, 0, 1, 0], [1, 2, 1, 0]]))
    assert np.isnan([found.estimate[:2], found.se[:2], found.lower[:2], found.p_value[:2]]).all()
    assert "empty" in found.reasons[0]
    assert "bl" in found.reasons[1]
    assert (found.estimate[2], found.reasons[2]) == (
        16,
        "",
    )  # at consistent values of both the mean is estimable


def test_a_missing_weight_or_a_fit_without_estimates_gives_a_reason():
    """Neither may turn into a number."""
    assert "arm" in linear_combination(PLAIN, np.array([[1.0, np.nan]])).reasons[0]
    refused = fit_random_effects(np.ones(4), pd.DataFrame({"one": np.ones(4)}), list("aabb"))
    found = linear_combination(refused, np.array([[1.0]]))
    assert found.reasons == ("The model has no estimates.",)
    assert np.isnan(found.estimate[0])


def test_a_combination_of_nothing_has_no_p_value():
    """Zero over zero is not a warning."""
    found = linear_combination(PLAIN, np.array([[0.0, 0]]))
    assert (found.estimate[0], found.se[0]) == (0, 0)
    assert np.isnan(found.p_value[0])


def test_weights_of_another_shape_are_a_mistake_of_the_caller():
    """Rows follow the design as given, dropped columns included."""
    with pytest.raises(ValueError, match="expected"):
        linear_combination(WIDE, np.ones((1, 2)))


def test_adjusted_means_of_a_balanced_trial_are_the_cell_means():
    """Without covariates and with every visit observed, adjusting changes nothing."""
    y = np.array([4.0, 6, 5, 9, 1, 2, 3, 3])
    arm, visit = np.repeat([0.0, 1], 4), np.tile([0.0, 1], 4)
    design = pd.DataFrame({"one": 1.0, "visit": visit, "arm": arm, "visit:arm": visit * arm})
    fit = fit_random_effects(y, design, np.repeat(list("abcd"), 2))
    cells = np.array([[1.0, v, a, v * a] for a in (0, 1) for v in (0, 1)])
    found = linear_combination(fit, cells, df=2)
    np.testing.assert_allclose(found.estimate, [4.5, 7.5, 2, 2.5])
    difference = linear_combination(fit, (cells[3] - cells[1])[None, :], df=2)
    assert difference.estimate[0] == pytest.approx(-5)
