"""The map of tipping points says whom each of its places favours, whichever direction is better."""

import math
import re

import pytest

from analysis.reporting.figures.tipping_point import tipping_figures
from analysis.reporting.tables.tipping import tipping_sentence
from analysis.results import Statistic, results_frame
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Arm

DEMO = load_trial(find_trial("demo"))
ONLINE = Arm(code="ONLINE", label="Social Recovery Therapy over the internet", therapy=True)
SRT = DEMO.compared_arms[0].label
PLACES = {"SRT +0, UC +0": (6.0, 0.01), "SRT -4, UC +0": (1.0, 0.6), "SRT -20, UC +0": (-5.0, 0.02)}


def trial(better="higher", arms=DEMO.arms, unit="hours"):
    outcome = DEMO.outcomes[DEMO.primary.outcome].model_copy(update={"better": better, "unit": unit})
    outcomes = {**DEMO.outcomes, DEMO.primary.outcome: outcome}
    return DEMO.model_copy(update={"outcomes": outcomes, "arms": arms})


def rows(arm="SRT", delta=-3.25, places=PLACES):
    common = {"visit": "m9", "contrast": f"{arm} - UC", "se": 2.0, "confidence": 0.95}
    point = Statistic("tipping delta", delta, p_value=0.05, at=f"delta in arm {arm}", **common)
    grid = [
        Statistic("delta-adjusted difference", value, p_value=p, at=at.replace("SRT", arm), **common)
        for at, (value, p) in places.items()
    ]
    return [point, *grid]


def table(*statistics):
    return results_frame(
        statistics, analysis="tipping_point", outcome=DEMO.primary.outcome, role="sensitivity"
    )


def words_in(picture):
    """Return all that a picture shows in words, its lines joined."""
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg))


@pytest.mark.parametrize(
    ("better", "at_nothing", "at_far"), [("higher", SRT, "Usual care"), ("lower", "Usual care", SRT)]
)
def test_a_place_is_said_to_favour_who_does_better(better, at_nothing, at_far):
    """More of a harm is worse: the same numbers favour therapy or usual care, by the outcome's direction."""
    for at, favoured, other in (
        ("SRT +0, UC +0", at_nothing, at_far),
        ("SRT -20, UC +0", at_far, at_nothing),
    ):
        plain = ("SRT -4, UC +0", PLACES["SRT -4, UC +0"])
        (picture,) = tipping_figures(table(*rows(places=dict([(at, PLACES[at]), plain]))), trial(better))
        assert f"p below 5%, favours {favoured}: 1;" in picture.said
        assert f"favours {other}" not in picture.said
        assert f"{better} is better" in picture.said
        assert f"{better} is better" in words_in(picture)


@pytest.mark.parametrize(("better", "first"), [("higher", "arm-2"), ("lower", "arm-3")])
def test_a_place_against_therapy_does_not_look_as_one_for_it(better, first):
    """Filled for the therapy, outlined against it: both were once filled alike."""
    (picture,) = tipping_figures(table(*rows()), trial(better))
    drawn = re.findall(r"<path d=[^>]*style=\"([^\"]*)\"", picture.svg)
    grid = [style for style in drawn if "--arm-" in style or "--band" in style][:3]
    assert first in grid[0]
    assert "band" in grid[1]
    assert {"arm-2", "arm-3"} == {re.search(r"arm-\d", style).group() for style in (grid[0], grid[2])}
    assert all(("fill: var(--arm-2" in style) == ("arm-2" in style) for style in grid)


def test_the_legend_names_what_each_look_means():
    """A reader of the picture alone has no caption."""
    (picture,) = tipping_figures(table(*rows()), trial())
    shown = words_in(picture)
    for words in (f"p below 5%, favours {SRT}", "p below 5%, favours Usual care", "p of 5% or more"):
        assert words in shown


def test_a_place_without_a_p_value_favours_nobody():
    """A dash is no result for either arm."""
    places = {**PLACES, "SRT -4, UC +0": (1.0, math.nan)}
    (picture,) = tipping_figures(table(*rows(places=places)), trial())
    assert "p goes from 0.010 to 0.020" in picture.said
    assert "p of 5% or more: 1" not in picture.said
    assert "no p: 1" in picture.said


def test_each_of_several_maps_names_its_comparison():
    """Two maps of one analysis were once titled alike."""
    three = trial(arms=(*DEMO.arms, ONLINE))
    found = tipping_figures(table(*rows(), *rows("ONLINE")), three)
    assert [
        f"{label} against Usual care" in picture.title
        for picture, label in zip(found, (SRT, ONLINE.label), strict=True)
    ] == [True, True]
    (alone,) = tipping_figures(table(*rows()), trial())
    assert "against" not in alone.title


@pytest.mark.parametrize(
    ("better", "delta", "words"),
    [
        ("higher", -3.25, "3.2 hours lower (worse) than imputed"),
        ("higher", 3.25, "3.2 hours higher (better) than imputed"),
        ("lower", -3.25, "3.2 hours lower (better) than imputed"),
        ("lower", 3.25, "3.2 hours higher (worse) than imputed"),
    ],
)
def test_the_tipping_delta_is_said_to_be_worse_or_better(better, delta, words):
    """Lower is not always worse."""
    declared = trial(better)
    said = tipping_sentence(
        table(*rows(delta=delta)), declared, declared.analyses["tipping_point"], declared.compared_arms[0]
    )
    assert words in said


def test_the_tipping_delta_of_an_outcome_without_a_unit_has_no_gap():
    """Two blanks looked like a word left out."""
    declared = trial(unit="")
    analysis = declared.analyses["tipping_point"].model_copy(update={"confidence": 0.975})
    said = tipping_sentence(table(*rows()), declared, analysis, declared.compared_arms[0])
    assert "  " not in said
    assert "p reaches 2.5%" in said
