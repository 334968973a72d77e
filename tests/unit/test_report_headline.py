"""The headline: direction and sign are read right, and nothing uncertain sounds like a success."""

import math
from typing import Any

import pandas as pd
import pytest

from analysis.reporting.headline import Headline, headlines
from analysis.results import Statistic, results_frame
from data_contracts.load import find_trial, load_trial
from data_contracts.plan import Family
from data_contracts.spec import Arm, Trial

PRAISE = ("success", "effective", "improve", "significant", "trend", "promising", "benefit")


def _trial(better: str) -> Trial:
    trial = load_trial(find_trial("beat_the_blues"))
    outcome = trial.outcomes["bdi"].model_copy(update={"better": better})
    return trial.model_copy(update={"outcomes": {"bdi": outcome}})


def _results(statistic: str = "adjusted mean difference", visit: str = "m8", **values: Any) -> pd.DataFrame:
    row = Statistic(statistic, visit=visit, contrast="BtheB - TAU", confidence=0.95, **values)
    return results_frame([row], analysis="primary", outcome="bdi")


def _said(better: str, value: float, lower: float, upper: float, **rest: Any) -> Headline:
    (headline,) = headlines(
        _results(value=value, lower=lower, upper=upper, se=2.0, p_value=0.04, **rest), _trial(better)
    )
    return headline


@pytest.mark.parametrize(
    ("better", "interval", "verdict", "direction"),
    [
        ("lower", (-4.1, -8.1, -0.1), "better", "lower"),
        ("lower", (4.1, 0.1, 8.1), "worse", "higher"),
        ("higher", (8.1, 2.5, 13.6), "better", "higher"),
        ("higher", (-5.3, -9.0, -1.6), "worse", "lower"),
    ],
)
def test_direction_and_goodness_are_both_said(
    better: str, interval: tuple[float, float, float], verdict: str, direction: str
) -> None:
    """A lower depression score and a higher number of hours are both good; a sign alone misleads."""
    headline = _said(better, *interval)
    assert headline.verdict == verdict
    words = f"was {direction}, which is {verdict}, with Beat the Blues plus usual care than with Usual care"
    assert words in headline.sentence


@pytest.mark.parametrize(("lower", "upper"), [(-3.0, 5.4), (0.0, 5.0), (-5.0, 0.0)])
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_an_interval_that_holds_or_touches_zero_is_no_clear_difference(
    better: str, lower: float, upper: float
) -> None:
    """A null trial must not read like a success, whatever its point estimate."""
    headline = _said(better, (lower + upper) / 2, lower, upper)
    assert headline.verdict == "no clear difference"
    assert "no clear difference between" in headline.sentence
    whole = f"{headline.sentence} {headline.detail}".lower()
    assert not [word for word in PRAISE if word in whole]


def test_a_null_result_says_what_it_leaves_possible_for_each_arm() -> None:
    """With lower values better, the negative limit is the one in the therapy's favour."""
    headline = _said("lower", 1.2, -3.0, 5.4)
    assert (
        "from 5.4 points in favour of Usual care to 3.0 points in favour of Beat the Blues" in headline.detail
    )


def test_a_small_limit_does_not_round_to_zero() -> None:
    """"0.0 to 5.0" beside "was higher" would contradict itself."""  # fmt: skip
    assert "0.03 to 5.00" in _said("higher", 2.5, 0.03, 5.0).sentence


@pytest.mark.parametrize(
    "results",
    [
        _results(value=math.nan, status="failed", reason="the search did not converge"),
        _results(value=-4.0, lower=-8.0, upper=-0.1, status="failed", reason="the search did not converge"),
        _results(value=-4.0, status="ok"),
        results_frame([]),
    ],
    ids=["no value", "a value that failed", "no limits", "no row"],
)
def test_what_is_not_estimable_is_said_and_nothing_concluded(results: pd.DataFrame) -> None:
    """A number from a fit that failed is no result, however good it looks."""
    (headline,) = headlines(results, _trial("lower"))
    assert headline.verdict == "not estimable"
    assert "could not be estimated" in headline.sentence
    assert headline.estimate is None
    if len(results) and results["reason"].iloc[0]:
        assert "the search did not converge" in headline.detail


def test_a_fit_on_the_boundary_is_announced() -> None:
    """The estimate stands, but its reader should know."""
    headline = _said("lower", -4.1, -8.1, -0.1, status="boundary", reason="a variance is zero")
    assert headline.verdict == "better"
    assert "boundary: a variance is zero" in headline.detail


def test_one_effect_over_all_visits_is_called_that() -> None:
    """A plan may declare a single effect; it must not be passed off as one at a visit."""
    results = _results(
        "treatment effect", "", value=-2.329, lower=-5.603, upper=0.945, se=1.67, p_value=0.163
    )
    (headline,) = headlines(results, _trial("lower"))
    assert "over all visits" in headline.sentence


def test_another_visit_is_never_taken_for_the_primary_one() -> None:
    """A benefit at two months must not stand in for a missing result at eight."""
    results = _results(visit="m2", value=-4.1, lower=-8.1, upper=-0.1)
    assert headlines(results, _trial("lower"))[0].verdict == "not estimable"


CLEAR = {"value": -4.1, "lower": -8.1, "upper": -0.1, "se": 2.0, "p_value": 0.045}
MAIN = Family(name="main", label="Both comparisons", method="holm", analyses=("primary",))


def _in_family(gate: str, p_adjusted: float, *, declared: bool = True) -> Headline:
    trial = _trial("lower").model_copy(update={"families": {"main": MAIN} if declared else {}})
    row = Statistic("adjusted mean difference", visit="m8", contrast="BtheB - TAU", confidence=0.95, **CLEAR)
    shared = {"family": "main" if gate else "", "gate": gate, "p_adjusted": p_adjusted}
    (headline,) = headlines(results_frame([row], analysis="primary", outcome="bdi", **shared), trial)
    return headline


@pytest.mark.parametrize("gate", ["not rejected", "not tested", ""])
def test_what_its_family_does_not_reject_is_no_clear_difference(gate: str) -> None:
    """A raw p below 0.05 that Holm's method does not reject is what the plan forbids to claim."""
    headline = _in_family(gate, 0.09 if gate else math.nan)
    assert headline.verdict == "no clear difference"
    whole = f"{headline.sentence} {headline.detail}"
    assert "which is better" not in whole
    assert "“Both comparisons”" in whole
    assert "no difference is claimed" in whole
    assert not [word for word in PRAISE if word in whole.lower()]


def test_what_the_results_do_not_reject_is_not_claimed_where_the_plan_shown_has_lost_the_family() -> None:
    """A closed report drops families that tell an arm; the rows keep what was decided."""
    assert _in_family("not rejected", 0.09, declared=False).verdict == "no clear difference"


def test_a_p_value_that_the_family_adjusts_stands_beside_the_raw_one() -> None:
    """Whoever quotes the sentence quotes both."""
    headline = _in_family("rejected", 0.049)
    assert headline.verdict == "better"
    assert "p = 0.045, adjusted p = 0.049)" in headline.sentence


def test_a_family_that_leaves_p_as_it_is_changes_no_word() -> None:
    """The first of a gatekeeping order is tested at the full level."""
    alone = headlines(_results(**CLEAR), _trial("lower"))[0]
    assert _in_family("rejected", 0.045).sentence == alone.sentence


def test_each_compared_arm_is_judged_by_its_own_gate() -> None:
    """Of two comparisons Holm's method may reject one."""
    coach = Arm(code="Coach", label="Coaching", therapy=True)
    trial = _trial("lower")
    trial = trial.model_copy(update={"arms": (*trial.arms, coach), "families": {"main": MAIN}})
    rows = [
        results_frame(
            [
                Statistic(
                    "adjusted mean difference", visit="m8", contrast=f"{arm} - TAU", confidence=0.95, **CLEAR
                )
            ],
            analysis="primary",
            outcome="bdi",
            family="main",
            gate=gate,
        )
        for arm, gate in (("BtheB", "rejected"), ("Coach", "not rejected"))
    ]
    assert [one.verdict for one in headlines(pd.concat(rows), trial)] == ["better", "no clear difference"]


def _with_others(primary: dict[str, Any], **others: tuple[float, float]) -> Headline:
    frames = [_results(**primary)]
    for name, (lower, upper) in others.items():
        row = Statistic(
            "adjusted mean difference", (lower + upper) / 2, visit="m8", contrast="BtheB - TAU", se=2.0,
            lower=lower, upper=upper, confidence=0.95,
        )  # fmt: skip
        frames.append(results_frame([row], analysis=name, outcome="bdi"))
    (headline,) = headlines(pd.concat(frames, ignore_index=True), _trial("lower"))
    return headline


def test_a_clear_result_names_the_analyses_that_do_not_share_it() -> None:
    """A difference that copy reference takes away is fragile, and its reader should not find that out on page 9."""
    trial = _trial("lower")
    names = [a.name for a in trial.analyses.values() if a.role in {"sensitivity", "cross-check"}]
    unsure, sure = names[0], names[1]
    headline = _with_others(CLEAR, **{unsure: (-6.0, 1.0), sure: (-8.0, -0.5)})
    assert headline.verdict == "better"
    assert (
        "In one of the two other analyses of this outcome the interval includes zero (no difference):"
        in headline.detail
    )
    assert trial.analyses[unsure].label in headline.detail
    assert trial.analyses[sure].label not in headline.detail


def test_a_clear_result_that_all_share_says_nothing_more() -> None:
    sure = next(a.name for a in _trial("lower").analyses.values() if a.role == "sensitivity")
    assert _with_others(CLEAR, **{sure: (-8.0, -0.5)}).detail == ""


def test_a_clear_result_tells_how_many_others_could_not_be_estimated() -> None:
    """Where all that might have questioned it were refused, silence would read as agreement."""
    trial, (sure, refused, *_) = _trial("lower"), _others()
    frames = [_results(**CLEAR), _another(sure, lower=-8.0, upper=-0.5, value=-4.0, se=2.0)]
    frames += [_another(refused, status="refused", reason="no therapist")]
    (headline,) = headlines(pd.concat(frames, ignore_index=True), trial)
    label = trial.analyses[refused].label
    assert headline.detail == f"One other analysis of this outcome could not be estimated: {label}."


def test_doubts_are_counted_among_the_analyses_that_could_be_estimated() -> None:
    trial, (unsure, refused, *_) = _trial("lower"), _others()
    frames = [_results(**CLEAR), _another(unsure, lower=-8.0, upper=0.5, value=-4.0, se=2.0)]
    frames += [_another(refused, status="refused", reason="no therapist")]
    (headline,) = headlines(pd.concat(frames, ignore_index=True), trial)
    assert "In the one other analysis of this outcome that could be estimated the interval" in headline.detail


def _others() -> list[str]:
    return [a.name for a in _trial("lower").analyses.values() if a.role in {"sensitivity", "cross-check"}]


def _another(name: str, **values: Any) -> pd.DataFrame:
    shared = {"visit": "m8", "contrast": "BtheB - TAU", "confidence": 0.95, "value": math.nan}
    return results_frame([Statistic("adjusted mean difference", **{**shared, **values})], analysis=name)


def test_an_interval_beyond_zero_on_either_side_shares_a_clear_result() -> None:
    """Of a harm both limits are above zero, which is no doubt of it."""
    harm = {"value": 4.1, "lower": 0.1, "upper": 8.1, "se": 2.0, "p_value": 0.045}
    name = next(a.name for a in _trial("lower").analyses.values() if a.role == "sensitivity")
    assert _with_others(harm, **{name: (0.5, 8.0)}).detail == ""
    assert "In the one other analysis of this outcome" in _with_others(harm, **{name: (-0.5, 8.0)}).detail


def test_an_unclear_result_counts_no_analyses_that_agree_with_it() -> None:
    """It claims nothing that they could take away."""
    name = next(a.name for a in _trial("lower").analyses.values() if a.role == "sensitivity")
    null = {"value": -1.0, "lower": -3.0, "upper": 1.0, "se": 1.0, "p_value": 0.3}
    assert "other analyses" not in _with_others(null, **{name: (-6.0, 1.0)}).detail
