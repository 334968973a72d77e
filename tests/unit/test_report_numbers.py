"""Numbers as text: what a typesetter of a journal would ask for."""

import math

import pytest

from analysis.reporting import numbers
from analysis.reporting.numbers import MINUS


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-4.12, 1, f"{MINUS}4.1"),
        (-0.04, 1, "0.0"),
        (0.0, 2, "0.00"),
        (12345.6, 1, "12,345.6"),
        (-1234.56, 1, f"{MINUS}1,234.6"),
        (math.nan, 1, numbers.ABSENT),
        (math.inf, 0, "∞"),
    ],
)
def test_a_number_has_a_true_minus_and_no_negative_zero(value: float, decimals: int, text: str) -> None:
    """A hyphen breaks over lines, and a negative zero makes readers wonder."""
    assert numbers.number(value, decimals) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.005, "0.005"),
        (0.00099, "<0.001"),
        (0.001, "0.001"),
        (0.9999, ">0.999"),
        (0.0, "<0.001"),
        (math.nan, numbers.ABSENT),
    ],
)
def test_a_p_value_is_never_zero_nor_one(p: float, text: str) -> None:
    """No finite sample proves either."""
    assert numbers.p_value(p) == text


def test_p_clauses_read_as_relations() -> None:
    """"p = <0.001" is not a sentence."""  # fmt: skip
    assert numbers.p_clause(0.0002) == "p < 0.001"
    assert numbers.p_clause(0.0434) == "p = 0.043"


def test_an_interval_is_written_with_to() -> None:
    """A dash between negative limits can't be read."""
    assert numbers.interval(-8.12, -0.124, 1) == f"({MINUS}8.1 to {MINUS}0.1)"


@pytest.mark.parametrize(
    ("se", "limits", "decimals"),
    [(2.8, (), 1), (16.8, (), 1), (0.5, (), 2), (0.0416, (), 3), (2.0, (0.03, 5.0), 2), (2.0, (0.0, 5.0), 1),
     (math.nan, (), 1), (0.0, (), 1), (1e-30, (), 6)],
)  # fmt: skip
def test_decimals_follow_the_standard_error(se: float, limits: tuple[float, ...], decimals: int) -> None:
    """More digits than the error supports are noise; a limit that isn't zero must not look like it."""
    assert numbers.decimals_for(se, *limits) == decimals


def test_degrees_of_freedom_keep_a_decimal_only_when_they_have_one() -> None:
    """Kenward-Roger's are fractional, an ANCOVA's are not, a normal distribution's are infinite."""
    assert [numbers.degrees_of_freedom(df) for df in (92.0, 93.44, math.inf)] == ["92", "93.4", "∞"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (5.0, "5"), (12.3456, "12.35"), (-3.5, f"{MINUS}3.5"), (12345.6, "12,346"), (0.00012345, "0.000123")],
)  # fmt: skip
def test_significant_digits_never_turn_into_powers_of_ten(value: float, text: str) -> None:
    """ "at 1.235e+04" is no value of a moderator that a reader knows."""
    assert numbers.significant(value, 4) == text
