"""Structures: analytic derivatives against numerical ones, values by hand."""

import numpy as np
import pytest

from analysis.mixed.covariance import STRUCTURES
from analysis.mixed.covariance.by_group import ByGroup

SIZES = [2, 3, 5]


def inside(structure, rng) -> np.ndarray:
    """Parameters of a positive definite member of the family."""
    factor = rng.normal(size=(structure.n_visits, 3 * structure.n_visits))
    moments = factor @ factor.T / factor.shape[1] + np.eye(structure.n_visits)
    return structure.start(moments)


def central(function, theta, step=1e-5) -> np.ndarray:
    """Numerical derivatives, error of order step²."""
    moves = step * np.eye(len(theta))
    return np.stack([(function(theta + move) - function(theta - move)) / (2 * step) for move in moves])


@pytest.mark.parametrize("n_visits", SIZES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_first_derivatives_are_those_of_the_value(name, n_visits):
    structure = STRUCTURES[name](n_visits)
    theta = inside(structure, np.random.default_rng(1))
    numerical = central(lambda at: structure.evaluate(at).value, theta)
    np.testing.assert_allclose(structure.evaluate(theta).first, numerical, atol=1e-9)


@pytest.mark.parametrize("n_visits", SIZES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_second_derivatives_are_those_of_the_first(name, n_visits):
    structure = STRUCTURES[name](n_visits)
    theta = inside(structure, np.random.default_rng(2))
    numerical = central(lambda at: structure.evaluate(at).first, theta)
    second = structure.evaluate(theta).second
    np.testing.assert_allclose(np.zeros_like(numerical) if second is None else second, numerical, atol=1e-8)


@pytest.mark.parametrize("n_visits", SIZES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_value_is_symmetric_with_a_name_and_a_unit_per_parameter(name, n_visits):
    structure = STRUCTURES[name](n_visits)
    theta = inside(structure, np.random.default_rng(3))
    value = structure.evaluate(theta).value
    np.testing.assert_array_equal(value, value.T)
    visits = [f"v{number}" for number in range(n_visits)]
    assert len(structure.parameter_names(visits)) == len(structure.is_scale) == len(theta)
    assert len(set(structure.parameter_names(visits))) == len(theta)


BY_HAND = {
    "us": ([4, 1, 9, 2, 3, 16], [[4, 1, 2], [1, 9, 3], [2, 3, 16]]),
    "cs": ([4, 1], [[4, 1, 1], [1, 4, 1], [1, 1, 4]]),
    "csh": ([4, 9, 16, 0.5], [[4, 3, 4], [3, 9, 6], [4, 6, 16]]),
    "ar1": ([4, 0.5], [[4, 2, 1], [2, 4, 2], [1, 2, 4]]),
    "ar1h": ([4, 9, 16, 0.5], [[4, 3, 2], [3, 9, 6], [2, 6, 16]]),
    "toep": ([4, 2, 1], [[4, 2, 1], [2, 4, 2], [1, 2, 4]]),
    "toeph": ([4, 9, 16, 0.5, 0.25], [[4, 3, 2], [3, 9, 6], [2, 6, 16]]),
    "ad": ([4, 0.5, 0.25], [[4, 2, 0.5], [2, 4, 1], [0.5, 1, 4]]),
    "adh": ([4, 9, 16, 0.5, 0.25], [[4, 3, 1], [3, 9, 3], [1, 3, 16]]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_value_by_hand(name):
    theta, expected = BY_HAND[name]
    value = STRUCTURES[name](3).evaluate(np.array(theta, dtype=float)).value
    np.testing.assert_allclose(value, expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["us", "csh"])
def test_groups_have_their_own_parameters(name):
    structure = STRUCTURES[name](3)
    both = ByGroup(structure, ["a", "b"])
    one, two = inside(structure, np.random.default_rng(4)), inside(structure, np.random.default_rng(5))
    theta = np.concatenate([one, two])
    here = both.evaluate(theta)
    np.testing.assert_array_equal(here.value, [structure.evaluate(one).value, structure.evaluate(two).value])
    numerical = central(lambda at: both.evaluate(at).value, theta)
    np.testing.assert_allclose(here.first, numerical, atol=1e-9)
