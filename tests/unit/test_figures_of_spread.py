"""Figures of distribution, residuals and standardised differences: what they say, and to whom they may say it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.baseline import OBSERVED, describe_outcomes, described_frame
from analysis.estimators.distribution import DISTRIBUTION, describe_distribution
from analysis.estimators.residuals import RESIDUALS
from analysis.estimators.standardised import STANDARDISED
from analysis.reporting.figures.distribution import distribution_figure
from analysis.reporting.figures.residuals import residuals_figure, residuals_note
from analysis.reporting.figures.standardised import standardised_figure, standardised_note
from analysis.reporting.report import Picture
from analysis.results import Statistic, results_frame
from data_contracts.load import find_trial, load_trial
from data_contracts.standing import MARK

DEMO, BLUES = (load_trial(find_trial(name)) for name in ("demo", "beat_the_blues"))
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def spread() -> pd.DataFrame:
    """Return the rows of two visits: usual care 10 to 30, therapy 5 to 15."""
    values = {"TAU": np.linspace(10, 30, 21), "BtheB": np.linspace(5, 15, 11)}
    rows = [
        (f"{arm}{i}", arm, v, x)
        for arm, own in values.items()
        for i, x in enumerate(own)
        for v in ("m2", "m8")
    ]
    people = pd.DataFrame(rows, columns=["participant", "arm", "visit", "bdi"]).assign(in_randomised=True)
    parts = {DISTRIBUTION: describe_distribution(people, BLUES), OBSERVED: describe_outcomes(people, BLUES)}
    return pd.concat(described_frame(found, analysis=name) for name, found in parts.items())


@pytest.fixture(scope="module")
def residuals() -> pd.DataFrame:
    quantiles = [(-1.4, 0.1), (0.0, 0.5), (2.0, 0.9)]
    rows = [Statistic("residual quantile", v, at=f"{p:.6f}", method="whitened; means") for v, p in quantiles]
    middle = Statistic("residual median", 0.25, lower=-0.5, upper=0.75)
    rows += [replace(middle, at=f"tenth {k + 1}") for k in range(10)]
    rows += [Statistic("fitted", 2.0 * k, at=f"tenth {k + 1}") for k in range(10)]
    rows += [
        replace(middle, visit="m2"),
        replace(middle, visit="m8", value=float("nan"), status="not estimable"),
    ]
    return results_frame(rows, analysis=RESIDUALS, outcome="bdi")


@pytest.fixture(scope="module")
def differences() -> pd.DataFrame:
    """Return the standardised differences of the primary outcome, of one where lower is better, of another visit."""
    row = Statistic(
        STANDARDISED, 0.4, visit="m9", contrast="SRT - UC", se=0.1, lower=0.2, upper=0.6, unit="SD"
    )
    lower = replace(row, value=-0.3, lower=-0.7, upper=0.1)
    later = replace(row, visit="m15", value=9.0, lower=8.0, upper=10.0)
    parts = {"primary": [row, later], "loneliness": [lower], "alcohol_use": [replace(lower, status="failed")]}
    return pd.concat(results_frame(rows, analysis=name) for name, rows in parts.items())


def _only(pictures: tuple[Picture, ...]) -> Picture:
    (picture,) = pictures
    return picture


def _shuffled(results: pd.DataFrame) -> pd.DataFrame:
    return results.assign(allocation="shuffled")


def test_the_distribution_is_said_by_visit_and_arm(spread: pd.DataFrame) -> None:
    """Who can't see the bars still has the middle half of everybody; by hand, quartiles 15 and 25 of 10 to 30."""
    picture = _only(distribution_figure(spread, BLUES))
    assert "8 months, Usual care: median and quartiles 20.0 (15.0 to 25.0), n = 21." in picture.said
    assert (
        "8 months, Beat the Blues plus usual care: median and quartiles 10.0 (7.5 to 12.5), n = 11."
        in picture.said
    )
    assert "n = 21, 11" in picture.svg
    assert picture.svg.count("8 months (primary)") == 1
    assert "3 months" not in picture.said  # nobody was seen then


def test_the_pooled_distribution_has_no_arm_in_it(spread: pd.DataFrame) -> None:
    """It is for readers who must not know an arm's numbers: nor can the bars' colours tell them."""
    picture = _only(distribution_figure(_shuffled(spread), BLUES, pooled=True))
    shown = picture.svg + picture.said + picture.title
    assert not any(arm.label in shown or arm.code in shown for arm in BLUES.arms)
    assert "var(--arm-" not in picture.svg
    assert "8 months, all arms together" in picture.said
    assert "n = 32" in picture.svg
    assert MARK not in picture.said  # who is in which arm does not matter to it
    alone = spread[spread["arm"] == ""]
    assert _only(distribution_figure(alone, BLUES, pooled=True)).png == picture.png


def test_hidden_bins_are_marked_and_not_filled_in(spread: pd.DataFrame) -> None:
    """The open report blanks small cells; an empty place would pass for nobody."""
    small = (spread["analysis"] == DISTRIBUTION) & spread["value"].between(1, 2) & (spread["visit"] == "m8")
    picture = _only(distribution_figure(spread.assign(value=spread["value"].mask(small)), BLUES, pooled=True))
    n = int((small & (spread["arm"] == "")).sum())
    assert n > 0
    assert f"n = 32. {n} bins too few to be shown." in picture.said
    assert "too few to be shown" in picture.svg
    shown = _only(distribution_figure(spread, BLUES, pooled=True))
    assert "too few" not in shown.svg + shown.said


def test_without_its_counts_there_is_no_distribution(spread: pd.DataFrame) -> None:
    """Suppression may leave nothing of a visit, or of all."""
    summary = (spread["visit"] == "m8") & (spread["analysis"] == OBSERVED)
    picture = _only(
        distribution_figure(spread.assign(value=spread["value"].mask(summary)), BLUES, pooled=True)
    )
    assert "8 months, all arms together: too few to summarise." in picture.said
    none_left = spread.assign(value=spread["value"].mask(spread["analysis"] == DISTRIBUTION))
    assert distribution_figure(none_left, BLUES, pooled=True) == ()


def test_residuals_are_said_with_their_distance_from_normal(residuals: pd.DataFrame) -> None:
    """By hand: 2.00 where the normal quantile of 0.9 is 1.28; a visit without a number is left out."""
    picture = _only(residuals_figure(residuals, BLUES))
    assert (
        f"the lowest averages {MINUS}1.40 where {MINUS}1.28 is expected, the highest 2.00 where 1.28 is"
        in picture.said
    )
    assert "furthest from what is expected is 2.00 for 1.28" in picture.said
    assert f"0.25 ({MINUS}0.50 to 0.75) at 18.0 points" in picture.said
    assert picture.said.endswith(f"By visit: 0.25 ({MINUS}0.50 to 0.75) at 2 months.")
    (note,) = residuals_note(residuals)
    assert "Against the normal distribution: whitened;" in note.text


def test_standardised_differences_are_turned_so_that_more_is_better(differences: pd.DataFrame) -> None:
    """Loneliness fell by 0.3: with its limits it stands on the side that favours the therapy, at its own visit."""
    picture = _only(standardised_figure(differences, DEMO))
    assert "Structured activity (primary; 9 months; higher is better): 0.40 (0.20 to 0.60)" in picture.said
    assert f"Loneliness (UCLA-3) (9 months; lower is better): 0.30 ({MINUS}0.10 to 0.70)" in picture.said
    assert "the sign is changed" in picture.said
    assert "9.00" not in picture.said  # another visit
    assert "Alcohol" not in picture.said  # no estimate
    assert re.search(r"favours Usual care.*favours SRT plus usual care", picture.svg, re.DOTALL)


def test_that_the_sd_is_taken_as_known_is_said_below_the_figure(differences: pd.DataFrame) -> None:
    """Limits over an estimated SD are too narrow; a reader would take them for whole."""
    (note,) = standardised_note(differences, DEMO)
    assert note.mark == "notes"
    assert "taken as known" in note.text
    assert "too narrow" in note.text
    assert standardised_note(differences[differences["analysis"] == "primary"], DEMO) == ()


def test_without_a_secondary_outcome_there_is_nothing_to_lay_side_by_side(differences: pd.DataFrame) -> None:
    """The primary one alone has its own figure."""
    assert standardised_figure(differences[differences["analysis"] == "primary"], DEMO) == ()


def test_without_rows_there_is_no_figure() -> None:
    """An empty frame would pass for a result."""
    nothing = results_frame([], trial="demo")
    assert distribution_figure(nothing, DEMO) == residuals_figure(nothing, DEMO) == ()
    assert standardised_figure(nothing, DEMO) == residuals_note(nothing) == ()


def test_shuffled_arms_are_marked(
    spread: pd.DataFrame, residuals: pd.DataFrame, differences: pd.DataFrame
) -> None:
    """In words and across the picture: a figure travels without its page."""
    for picture in (
        _only(distribution_figure(_shuffled(spread), BLUES)),
        _only(residuals_figure(_shuffled(residuals), BLUES)),
        _only(standardised_figure(_shuffled(differences), DEMO)),
    ):
        assert picture.said.startswith(MARK)
        assert "ALLOCATION SHUFFLED" in picture.svg


def test_every_colour_follows_the_page(
    spread: pd.DataFrame, residuals: pd.DataFrame, differences: pd.DataFrame
) -> None:
    """A colour of the figure's own would be black on black in the dark."""
    pictures = (
        *distribution_figure(spread, BLUES), *distribution_figure(spread, BLUES, pooled=True),
        *residuals_figure(residuals, BLUES), *standardised_figure(differences, DEMO),
    )  # fmt: skip
    for picture in pictures:
        own = re.sub(r"var\(--[a-z0-9-]+, #[0-9a-f]{6}\)", "", picture.svg)
        assert not re.search(r"(?:fill|stroke): ?#", own)
        written = re.findall(r"<text[^>]*>", picture.svg)
        assert written
        assert all("var(--" in text for text in written)
