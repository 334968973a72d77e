"""What may pass into the open report, and how small counts are hidden in its rows."""

import math

import pandas as pd
import pytest

from analysis.reporting.audiences.hidden import without_small_cells
from analysis.reporting.audiences.open import open_content, pooled_rows
from analysis.reporting.audiences.open_tables import flow_table, records_table
from analysis.reporting.audiences.patterns import CLASSES, class_of, groupings
from analysis.reporting.content import ReportContent
from analysis.reporting.figures.distribution import _spreads
from analysis.reporting.tables.data_quality import rules_table
from analysis.reporting.tables.provenance import facts_table, sources_table
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


STATISTICS = ("observed mean", "observed sd", "median", "lower quartile", "upper quartile")


def of_values(n, missing, sd=6.0):
    """Return the rows of an outcome observed of n, its mean, SD and quartiles."""
    place = {"visit": "m9"}
    values = dict(zip(STATISTICS, (12.0, sd, 11.0, 8.0, 15.0), strict=True))
    return [
        ("observed", HOURS, count(v, s, **place))
        for s, v in {"count": n, "missing": missing, **values}.items()
    ]


def flow_of(n):
    return [("disposition", "randomised", count(n)), ("populations", "randomised", count(n))]


@pytest.mark.parametrize(
    ("n", "means", "quartiles"), [(9, False, False), (10, True, False), (19, True, False), (20, True, True)]
)
def test_a_mean_is_of_twice_and_a_quartile_of_four_times_as_many_as_may_be_counted(n, means, quartiles):
    """Of five people mean, SD, median and quartiles are five equations: each value follows."""
    found = hidden(*flow_of(40), *of_values(n, 40 - n))
    assert shown(found, statistic="count", analysis="observed") == [n]
    assert shown(found, statistic="observed mean") == [12.0] * means
    assert shown(found, statistic="observed sd") == [6.0] * means
    assert shown(found, statistic="median") == [11.0] * quartiles


def test_these_numbers_go_with_the_threshold():
    """A trial that shows no count below 10 shows no mean of 19."""
    assert shown(hidden(*flow_of(50), *of_values(19, 31), threshold=10), statistic="observed mean") == []
    assert shown(hidden(*flow_of(50), *of_values(20, 30), threshold=10), statistic="observed mean") == [12.0]


@pytest.mark.parametrize(
    ("n", "sd", "is_shown"), [(90, 6.0, False), (150, 6.0, True), (150, 0.6, False), (1500, 0.6, True)]
)
def test_a_mean_beside_a_hidden_count_is_shown_only_if_it_can_tell_nothing_of_it(n, sd, is_shown):
    """3 are missing: a sum of whole numbers divided by n, shown with one decimal, can be any if n is 100 or more."""
    found = hidden(*flow_of(n + 3), *of_values(n, 3, sd))
    assert shown(found, analysis="observed", statistic="count") == ["≥5"]
    assert shown(found, analysis="observed", statistic="missing") == ["<5"]
    assert (shown(found, statistic="observed mean") == [12.0]) is is_shown
    assert shown(found, statistic="median") == [], (
        "a quartile between two values tells the remainder of n by 4"
    )


def test_that_a_mean_is_shown_rests_on_nothing_hidden():
    """6 or 3 seen, of 9: both counts are hidden, and what stands in their place is all there is."""
    for n in (6, 3):
        assert not set(shown(hidden(*flow_of(9), *of_values(n, 9 - n)))) & {12.0, 6.0, 11.0}


def test_outer_bins_have_no_end():
    """2 at one end, 8 at the other: empty bins beyond would tell the least and the greatest value."""
    sizes = {
        "-5 to 0": 0,
        "0 to 5": 2,
        "5 to 10": 9,
        "10 to 15": 26,
        "15 to 20": 0,
        "20 to 25": 8,
        "25 to 30": 0,
    }
    bins = [("distribution", HOURS, count(n, visit="m9", at=at, n=40)) for at, n in sizes.items()]
    found = hidden(*flow_of(45), *of_values(45, 0), *bins)
    own = found[found["analysis"] == "distribution"]
    assert dict(zip(own["at"], own["value"], strict=True)) == {
        "below 10": 11.0,
        "10 to 15": 26.0,
        "15 to 20": 0.0,
        "20 or more": 8.0,
    }


def test_bins_that_would_all_be_one_are_left_out():
    """It would say how many there are, and their least and greatest value."""
    sizes = {"0 to 5": 2, "5 to 10": 3, "10 to 15": 2}
    bins = [("distribution", HOURS, count(n, visit="m9", at=at, n=7)) for at, n in sizes.items()]
    assert shown(hidden(*flow_of(40), *of_values(7, 33), *bins), analysis="distribution") == []


def test_the_figure_draws_a_bin_without_an_end_as_wide_as_the_others():
    """Its real end is not known to the figure."""
    sizes = {"below 10": 11, "10 to 15": 9, "15 or more": 20}
    bins = [("distribution", HOURS, count(n, visit="m9", at=at, n=40)) for at, n in sizes.items()]
    (spread,) = _spreads(rows(*bins), TRIAL, [""])
    assert [bin_[:2] for bin_ in spread.bins] == [(5.0, 10.0), (10.0, 15.0), (15.0, 20.0)]
    assert [bin_[2] for bin_ in spread.bins] == [27.5, 22.5, 50.0]


def content(*parts, counts=(), findings=(), threshold=5, **provenance):
    trial = TRIAL.model_copy(update={"report": Disclosure(small_cells=threshold)})
    columns = (
        "rule",
        "form",
        "dimension",
        "severity",
        "effect",
        "message",
        "passed",
        "n_failed",
        "n_checked",
    )
    return ReportContent(
        trial,
        rows(*flow_of(50), *parts).assign(population="randomised", allocation="true"),
        pd.DataFrame(counts, columns=["form", "rows_in", "accepted", "quarantined"]),
        pd.DataFrame(findings, columns=columns),
        pd.DataFrame(columns=["form", "severity", "state", "n", "oldest_days"]),
        provenance,
        ("Time Use Survey: 3 of 50 accepted records are used at no visit.",),
    )


RULES = [
    (rule, rule.split(".")[0], rule.split(".")[1], "warning", "query", "Said.", False, 3, 47)
    for rule in (
        "participants.eligibility.age", "adverse_events.date.started.future", "withdrawals.completeness.kind",
        "time_use.date.visit_date.future", "questionnaires.type.warning",
    )
]  # fmt: skip


def test_rules_of_people_and_events_are_not_among_those_that_were_broken():
    """How many values of a column were checked tells how many are missing, and how many events there are."""
    found = open_content(content(findings=RULES)).findings
    assert list(found["rule"]) == ["time_use.date.visit_date.future", "questionnaires.type.warning"]
    assert found["n_checked"].isna().all()
    assert found["n_failed"].fillna(-1).tolist() == [3, -1], "unreadable values count as missing"
    table = rules_table(found, TRIAL)
    assert [line.cells[-1].text for group in table.groups for line in group.rows] == ["3", "not shown here"]


def test_where_all_counts_are_shown_so_are_those_of_rules():
    """A trial may decide so, and the closed report does."""
    found = open_content(content(findings=RULES, threshold=0))
    assert len(found.findings) == len(RULES)
    assert found.findings["n_checked"].tolist() == [47] * len(RULES)
    assert found.notes


def test_what_was_left_aside_is_not_told_beside_hidden_counts():
    """Accepted records less those used at no visit are those observed."""
    assert open_content(content()).notes == ()


def test_the_records_of_a_form_with_one_a_person_take_part():
    """51 rows of which 3 were set aside: at least 2 of 50 have no value of anything, so that "<5" would be 2 to 4."""
    age = [("baseline", "age", count(n, s, visit="baseline")) for s, n in (("count", 47), ("missing", 3))]
    found = open_content(content(*age, counts=[("participants", 51, 48, 3), ("time_use", 180, 180, 0)]))
    assert found.counts.to_numpy().tolist() == [["participants", 51, "≥5", "<5"], ["time_use", 180, 180, 0]]
    table = records_table(found.counts, TRIAL)
    assert [cell.text for cell in table.groups[0].rows[0].cells[1:]] == ["51", "≥5", "<5"]
    assert [bool(cell.source) for cell in table.groups[0].rows[0].cells[1:]] == [True, False, False]


def test_accepted_records_that_bound_a_small_count_are_hidden_with_the_rows_that_came():
    """48 of 50 have a record: 2 at least are missing. Rows less those set aside would tell it all the same."""
    seen = [("observed", HOURS, count(n, s, visit="m9")) for s, n in (("count", 47), ("missing", 3))]
    found = open_content(content(*seen, counts=[("time_use", 48, 48, 0)]))
    assert found.counts.to_numpy().tolist() == [["time_use", "≥5", "≥5", 0]]


def test_no_size_of_a_file_is_told():
    """It tells how many records there are, and with them how many events."""
    file = {"file": "a.csv", "name": "a.csv", "sha256": "1", "size": 300, "modified": "2026-01-01T00:00:00"}
    sources = [{"form": form, **file} for form in ("adverse_events", "sessions")]
    table = sources_table(open_content(content(sources=sources)).provenance, TRIAL)
    cells = [[cell.text for cell in line.cells[2:]] for line in table.groups[0].rows]
    assert cells == [["not shown here", "2026-01-01 00:00:00", "1"], ["not shown here"] * 3]


def test_a_fact_that_is_left_out_is_not_said_to_be_unknown():
    """The reader would ask why nobody recorded it."""
    given = {"allocation": "true", "results_rows": 5, "results_sha256": "1", "python": "3.11"}
    table = facts_table(open_content(content(**given)).provenance, TRIAL)
    facts = {line.cells[0].text: line.cells[1].text for group in table.groups for line in group.rows}
    assert facts["Allocation"] == facts["Rows of the results table"] == "not shown here"
    assert facts["The same as a Parquet file, SHA-256"] == "not shown here"
    assert facts["Python"] == "3.11"


def test_the_flow_does_not_say_a_stage_again_as_its_reason():
    """ "Primary outcome not observed: primary outcome not observed"."""
    parts = [
        ("disposition", "lost", count(7, visit="m9", at="primary outcome not observed")),
        ("disposition", "not analysed", count(7, at="no follow-up observed")),
    ]
    lines = flow_table(rows(*parts), TRIAL).groups[0].rows
    assert [line.cells[2].text for line in lines] == ["", "No follow-up observed"]


def test_the_same_count_is_hidden_wherever_it_stands():
    """Recruitment and flow count the same people at a site: 3 + 47."""
    parts = [(a, "randomised", count(n, at=s)) for s, n in (("Norfolk", 3), ("Sussex", 47)) for a in (
        "disposition by site", "recruitment by site")]  # fmt: skip
    found = hidden(*FLOW, *parts)
    assert shown(found, at="Norfolk") == ["<5", "<5"]
    assert shown(found, at="Sussex") == ["≥5", "≥5"]
    assert shown(found, analysis="disposition", outcome="randomised") == [50.0]


def pattern_rows(**sizes):
    return [("missing patterns", HOURS, count(n, at=at.replace("o", "."))) for at, n in sizes.items()]


def test_classes_that_would_tell_a_rare_pattern_are_joined():
    """110 + 11 + 26 + 7 beside 11, 29 and 36 missing: of those who came back 7, 3 and 1 would follow."""
    sizes = {"XXXX": 110, "XXoo": 14, "XXXo": 12, "Xooo": 7, "XXoX": 7, "XoXo": 3, "XooX": 1}
    missing = {"baseline": 0, "m9": 11, "m15": 29, "m24": 36}
    visits = [
        ("observed", HOURS, count(n, statistic, visit=visit))
        for visit, unseen in missing.items()
        for statistic, n in (("count", 154 - unseen), ("missing", unseen))
    ]
    found = hidden(*flow_of(154), *visits, *pattern_rows(**sizes))
    classes = found[found["analysis"] == "missing patterns"]
    assert dict(zip(classes["at"], classes["value"], strict=True)) == {
        "seen at every visit": 110.0,
        "missed a visit and came back or left after a follow-up": 37.0,
        "not seen after baseline": 7.0,
    }
    assert shown(found, analysis="observed", statistic="missing") == [0, 11, 29, 36]


def test_patterns_are_shown_one_by_one_where_none_is_rare():
    """Nothing is taken together without need."""
    found = hidden(*flow_of(60), *pattern_rows(XXXX=40, XXoX=6, XXoo=14))
    assert shown(found, analysis="missing patterns") == [40.0, 6.0, 14.0]


def test_every_way_to_take_classes_together_keeps_their_order_and_all_of_them():
    """From four groups to two."""
    ways = list(groupings())
    assert [len(way) for way in ways] == [4, 3, 3, 3, 2, 2, 2]
    assert all(tuple(one for group in way for one in group) == CLASSES for way in ways)


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
