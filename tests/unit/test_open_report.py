"""What may pass into the open report, and how small counts are hidden in its rows."""

import math

import pandas as pd
import pytest

from analysis.reporting.audiences.hidden import class_of, without_small_cells
from analysis.reporting.audiences.open import pooled_rows
from analysis.results import Statistic, results_frame
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.operations import Blinding, Disclosure

TRIAL = load_trial(SHIPPED_TRIALS / "demo.toml")
HOURS = "structured_activity_hours"


def rows(*parts):
    """Return descriptive rows: (analysis, outcome, row)."""
    frames = [results_frame([row], role="descriptive", analysis=a, outcome=o) for a, o, row in parts]
    return pd.concat(frames, ignore_index=True)


def count(value, statistic="count", **place):
    return Statistic(statistic, float(value), **place)


def passes(analysis, outcome, row, trial=TRIAL, **changed):
    found = rows((analysis, outcome, row)).assign(**changed)
    return len(pooled_rows(found, trial)) == 1


def test_a_pooled_count_passes():
    """Otherwise every refusal below would show nothing."""
    assert passes("disposition", "randomised", count(155))
    assert passes("observed", HOURS, count(143, visit="m9"), population="randomised")
    assert passes("baseline", "sex[Female]", count(47, visit="baseline"), population="randomised")


@pytest.mark.parametrize(
    ("analysis", "outcome", "row", "changed"),
    [
        ("disposition", "randomised", count(76, arm="SRT"), {}),
        ("disposition", "randomised", count(76), {"contrast": "SRT - UC"}),
        ("disposition", "randomised", count(76), {"role": "secondary"}),
        ("disposition", "received therapy", count(70, at="at least one session"), {}),
        ("populations", "per_protocol", count(141), {}),
        ("observed", HOURS, count(141, visit="m9"), {"population": "per_protocol"}),
        ("observed", "admissions", count(20), {}),
        ("baseline", "therapist[T01]", count(9), {}),
        ("baseline", "arm[SRT]", count(76), {}),
        ("residuals", HOURS, count(1.2, "residual quantile", at="0.5"), {}),
        ("therapy delivered", "sessions", count(902, "total"), {}),
        ("something new", "randomised", count(3), {}),
        ("observed", HOURS, count(3, "something new"), {}),
    ],
    ids=[
        "of an arm", "a contrast", "another role", "therapy received", "a population judged on sessions",
        "a row of such a population", "an event, whose follow-up is read from sessions too", "a therapist", "an arm",
        "a model with the arm in it", "sessions", "an analysis that nobody named", "a statistic that nobody named",
    ],
)  # fmt: skip
def test_what_tells_an_arm_or_is_not_named_does_not_pass(analysis, outcome, row, changed):
    """It is a list of what may pass: a row that somebody adds stays out until somebody has thought of it."""
    assert not passes(analysis, outcome, row, **changed)


@pytest.mark.parametrize(
    ("reveals", "analysis", "outcome"),
    [
        ("time_use", "observed", HOURS), ("time_use.structured_activity_hours", "observed", HOURS),
        ("participants.antipsychotic", "baseline", "antipsychotic[Yes]"),
        ("adverse_events.related", "harms", "related"),
    ],
)  # fmt: skip
def test_what_the_trial_file_says_reveals_an_arm_does_not_pass(reveals, analysis, outcome):
    """A form or a column named in `[blinding] reveals`."""
    trial = TRIAL.model_copy(update={"blinding": Blinding(reveals=(reveals,))})
    assert passes(analysis, outcome, count(20))
    assert not passes(analysis, outcome, count(20), trial)


def test_no_description_passes_where_the_primary_population_is_judged_on_sessions():
    """Who is analysed would then depend on the therapy."""
    primary = TRIAL.primary.model_copy(update={"population": "per_protocol"})
    trial = TRIAL.model_copy(update={"estimands": {**TRIAL.estimands, TRIAL.primary_estimand: primary}})
    assert not passes("disposition", "analysed", count(141), trial)
    assert passes("disposition", "randomised", count(155), trial)


FLOW = [
    ("disposition", "randomised", count(50)),
    ("disposition", "excluded", count(1, at="excluded after randomisation")),
    ("populations", "randomised", count(49)),
    ("populations", "randomised", count(1, at="excluded after randomisation")),
]  # fmt: skip


def hidden(*parts, threshold=5):
    trial = TRIAL.model_copy(update={"report": Disclosure(small_cells=threshold)})
    found = rows(*parts).assign(population="randomised")
    return without_small_cells(found, {}, trial)[0]


def shown(found, **where):
    for column, wanted in where.items():
        found = found[found[column] == wanted]
    return [r.reason if r.status == "refused" else r.value for r in found.itertuples()]


def test_a_small_count_and_what_gives_it_away_are_hidden_with_their_percentages():
    """49 people, 3 of whom are not known: 20 + 26 + 3."""
    levels = [
        part
        for level, n in (("Female", 20), ("Male", 26))
        for part in (
            ("baseline", f"sex[{level}]", count(n, visit="baseline")),
            ("baseline", f"sex[{level}]", count(100 * n / 46, "percent", visit="baseline")),
        )
    ]
    found = hidden(*FLOW, *levels, ("baseline", "sex", count(3, "missing", visit="baseline")))
    assert shown(found, statistic="missing") == ["<5"]
    assert shown(found, outcome="sex[Female]", statistic="count") == ["≥5"]
    assert shown(found, outcome="sex[Male]", statistic="count") == [26.0]
    assert shown(found, statistic="percent") == [], "their base is how many are known"
    assert found.loc[found["status"] == "refused", "value"].isna().all()
    assert found["n"].isna().all(), "denominators are counts too"


def test_a_mean_of_few_is_left_out():
    """The mean of one is their value."""
    place = {"visit": "m9"}
    few = [
        ("observed", HOURS, count(n, s, **place))
        for s, n in (("count", 4), ("missing", 45), ("observed mean", 12.0))
    ]
    assert shown(hidden(*FLOW, *few), statistic="observed mean") == []
    many = [
        ("observed", HOURS, count(n, s, **place))
        for s, n in (("count", 40), ("missing", 9), ("observed mean", 12.0))
    ]
    assert shown(hidden(*FLOW, *many), statistic="observed mean") == [12.0]


def test_the_same_count_is_hidden_wherever_it_stands():
    """Recruitment and flow count the same people at a site: 3 + 47."""
    parts = [(a, "randomised", count(n, at=s)) for s, n in (("Norfolk", 3), ("Sussex", 47)) for a in (
        "disposition by site", "recruitment by site")]  # fmt: skip
    found = hidden(*FLOW, *parts)
    assert shown(found, at="Norfolk") == ["<5", "<5"]
    assert shown(found, at="Sussex") == ["≥5", "≥5"]
    assert shown(found, analysis="disposition", outcome="randomised") == [50.0]


def test_rare_patterns_are_shown_by_class_and_months_with_few_with_the_next():
    """40 + 3 + 6 by pattern; 2, 4 and 44 by month."""
    patterns = [
        ("missing patterns", HOURS, count(n, at=at)) for at, n in (("XXXX", 40), ("XX.X", 3), ("XX..", 6))
    ]
    months = [
        ("recruitment", "randomised", count(n, at=at))
        for at, n in (("2024-01", 2), ("2024-02", 4), ("2024-03", 44))
    ]
    found = hidden(*FLOW, *patterns, *months)
    classes = found[found["analysis"] == "missing patterns"]
    assert dict(zip(classes["at"], classes["value"], strict=True)) == {
        "seen at every visit": 40.0, "missed a visit and came back or left after a follow-up": 9.0,
    }  # fmt: skip
    assert shown(found, analysis="recruitment") == [6.0, 44.0]
    assert list(found.loc[found["analysis"] == "recruitment", "at"]) == ["2024-02", "2024-03"]


def test_a_trial_that_has_just_begun_shows_how_many_it_has_and_nothing_more():
    """Three participants, all at one site: no sign could hide that, so that every other count is silent."""
    parts = [
        ("recruitment by site", "randomised", count(n, at=at)) for at, n in (("Norfolk", 3), ("Sussex", 0))
    ]
    flow = [
        ("disposition", "randomised", count(3)),
        ("disposition by site", "randomised", count(3, at="Norfolk")),
    ]
    found = hidden(*flow, *parts)
    assert shown(found, analysis="disposition") == [3.0]
    assert shown(found, analysis="recruitment by site") == ["not shown", "not shown"]


def test_a_threshold_of_0_hides_nothing():
    """A trial may decide so."""
    found = hidden(*FLOW, ("recruitment by site", "randomised", count(3, at="Norfolk")), threshold=0)
    assert shown(found, at="Norfolk") == [3.0]
    assert not math.isnan(found["value"].sum())


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("XXXX", "seen at every visit"), ("XX.X", "missed a visit and came back"),
        (".XXX", "missed a visit and came back"),
        ("XX..", "left after a follow-up"), ("X...", "not seen after baseline"), ("....", "not seen after baseline"),
    ],
)  # fmt: skip
def test_classes_of_patterns(pattern, meant):
    """By hand."""
    assert class_of(pattern, TRIAL) == meant
