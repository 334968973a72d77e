"""Strategies by hand: three visits, one dropout."""

import numpy as np
import pytest

from analysis.imputation import STRATEGIES, ImputationError, Normal, strategy_name

OWN = Normal(np.array([10.0, 20.0, 30.0]), np.eye(3))
REFERENCE = Normal(np.array([1.0, 2.0, 3.0]), np.eye(3))
AFTER_FIRST = np.array([True, False, False])
HALVES = np.array([[1.0, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 1.0]])  # first-order autoregressive, 1/2


def imputed(strategy, covariance, y, is_mar=AFTER_FIRST):
    """Return the conditional means of visits 2 and 3 of who had y at visit 1."""
    own, reference = Normal(OWN.mean, covariance), Normal(REFERENCE.mean, covariance)
    assumed = STRATEGIES[strategy](own, reference, is_mar)
    return assumed.mean[1:] + assumed.covariance[1:, 0] / assumed.covariance[0, 0] * (y - assumed.mean[0])


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("mar", [20, 30]), ("j2r", [2, 3]), ("cr", [2, 3]), ("cir", [11, 12]), ("lmcf", [10, 10])],
)
def test_with_an_identity_covariance_the_past_says_nothing(strategy, expected):
    """What is imputed is the assumed mean, whatever was observed before."""
    np.testing.assert_allclose(imputed(strategy, np.eye(3), 12.0), expected)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("mar", [21, 30.5]),  # 2 above the own mean: half of it, then a quarter
        ("j2r", [3, 3.5]),
        ("cr", [7.5, 5.75]),  # 11 above the reference mean
        ("cir", [12, 12.5]),
        ("lmcf", [11, 10.5]),
    ],
)
def test_with_correlation_the_residual_before_the_event_carries_over(strategy, expected):
    np.testing.assert_allclose(imputed(strategy, HALVES, 12.0), expected)


@pytest.mark.parametrize("strategy", ["mar", "j2r", "cr", "cir", "lmcf"])
def test_without_an_event_every_strategy_is_missing_at_random(strategy):
    found = STRATEGIES[strategy](OWN, REFERENCE, np.array([True, True, True]))
    np.testing.assert_array_equal(found.mean, OWN.mean)
    np.testing.assert_array_equal(found.covariance, OWN.covariance)


@pytest.mark.parametrize("strategy", ["j2r", "cr", "cir"])
def test_with_the_event_at_the_first_visit_the_reference_holds_throughout(strategy):
    found = STRATEGIES[strategy](OWN, REFERENCE, np.zeros(3, dtype=bool))
    np.testing.assert_array_equal(found.mean, REFERENCE.mean)


def test_no_mean_can_be_carried_forward_before_the_first_visit():
    with pytest.raises(ImputationError, match="first visit"):
        STRATEGIES["lmcf"](OWN, REFERENCE, np.zeros(3, dtype=bool))


def test_after_the_event_the_covariance_is_the_references_regression_on_the_past():
    """Own variance 4 before, reference's slope 1/2 and residual variance 3/4 after: 4, 2, 1/4 · 4 + 3/4."""
    own = Normal(np.zeros(2), np.array([[4.0, 1.0], [1.0, 9.0]]))
    reference = Normal(np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]]))
    found = STRATEGIES["j2r"](own, reference, np.array([True, False]))
    np.testing.assert_allclose(found.covariance, [[4.0, 2.0], [2.0, 1.75]])


def test_leading_axes_are_taken_as_they_come():
    """Draws and participants at once give what each gives alone."""
    rng = np.random.default_rng(1)
    own = Normal(rng.normal(size=(5, 7, 3)), np.stack([HALVES * k for k in range(1, 6)]))
    reference = Normal(rng.normal(size=(5, 7, 3)), np.stack([np.eye(3) * k for k in range(1, 6)]))
    for strategy in STRATEGIES.values():
        together = strategy(own, reference, AFTER_FIRST)
        for draw in range(5):
            alone = strategy(
                Normal(own.mean[draw, 2], own.covariance[draw]),
                Normal(reference.mean[draw, 2], reference.covariance[draw]),
                AFTER_FIRST,
            )
            np.testing.assert_allclose(together.mean[draw, 2], alone.mean)
            np.testing.assert_allclose(together.covariance[draw], alone.covariance)


def test_names_are_read_in_any_case_and_unknown_ones_refused():
    assert [strategy_name(text) for text in ("J2R", "jr", " CIR ")] == ["j2r", "j2r", "cir"]
    with pytest.raises(ImputationError, match="expected one of mar, j2r, cr, cir, lmcf"):
        strategy_name("locf")
