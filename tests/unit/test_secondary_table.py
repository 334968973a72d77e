"""The table of secondary outcomes: what was observed by arm, above each effect, as its kind of outcome is told."""

from dataclasses import replace
from math import inf, nan

import pytest

from analysis.reporting.tables.moderators import moderators_table
from analysis.reporting.tables.secondary import secondary_table
from analysis.reporting.word_table import is_wide
from analysis.results import Statistic, result_records, results_table
from data_contracts.load import find_trial, load_trial

VERSUS = {"contrast": "SRT - UC"}
LIMITS = {"se": 0.3, "df": inf, "lower": 1.2, "upper": 4.1, "confidence": 0.95, "p_value": 0.012}
ARMS = ("UC", "SRT")
AT_A_CUT = "Odds ratio, conditional on the covariates"  # another than that of the yes and no: one cut had two
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


def _by_arm(statistic, values, **where):
    return [Statistic(statistic, v, arm=arm, **where) for arm, v in zip(ARMS, values, strict=True)]


def _of_n(values, sizes, **where):
    """Return how many of how many, and the percentage, by arm."""
    return [
        row
        for arm, value, n in zip(ARMS, values, sizes, strict=True)
        for row in (
            Statistic("count", value, arm=arm, n=n, **where),
            Statistic("percent", 100 * value / n, arm=arm, n=n, unit="%", **where),
        )
    ]


def _results(**rows):
    shared = {"estimand": "e", "role": "secondary", "clause": "", "outcome": "o", "population": "p"}
    return results_table(
        [record for name, own in rows.items() for record in result_records(own, analysis=name, **shared)]
    )


def _told(trial, name, *rows):
    """Return the texts of an analysis' rows by their first cell, and the group they are in."""
    table = secondary_table(_results(**{name: rows}), trial)
    label = trial.outcomes[trial.estimands[trial.analyses[name].estimand].outcome].label
    (group,) = [g for g in table.groups if g.label.startswith(f"{label}:")]
    return {row.cells[0].text: row.cells for row in group.rows}, group.label


def test_a_mean_stands_above_its_adjusted_difference(trial):
    """The reader sees what was measured before what the model made of it."""
    visit = {"visit": "m9"}
    effect = replace(Statistic("adjusted mean difference", -0.54, n=140, **VERSUS, **visit), **LIMITS)
    means = [replace(row, **LIMITS) for row in _by_arm("adjusted mean", (6.21, 5.68), **visit)]
    seen = [
        *_by_arm("count", (65, 62), **visit),
        *_by_arm("observed mean", (6.24, 5.61), **visit),
        *_by_arm("observed sd", (1.63, 1.88), **visit),
    ]
    rows, heading = _told(trial, "loneliness", *seen, *means, effect)
    assert list(rows) == ["Observed mean (SD)", "Difference of adjusted means"]
    observed = rows["Observed mean (SD)"]
    assert [(c.text, c.detail) for c in observed[1:]] == [("6.2 (1.6)", "n = 65"), ("5.6 (1.9)", "n = 62")]
    assert observed[1].source.count(" ; ") == 2, "mean, SD and count are three rows"
    answer = rows["Difference of adjusted means"]
    assert (answer[0].detail, answer[1].text, answer[3].text) == ("n = 140", "6.21", f"{MINUS}0.54")
    assert heading == "Loneliness (UCLA-3): 9 months; points; lower is better"


def test_an_effect_over_all_visits_says_at_which_one_was_observed(trial):
    """The mean of one visit beside an effect over three would be taken for theirs."""
    effect = replace(Statistic("treatment effect", -0.5, n=140, **VERSUS), **LIMITS)
    seen = [*_by_arm("count", (65, 62), visit="m9"), *_by_arm("observed mean", (6.2, 5.6), visit="m9")]
    means = [replace(row, **LIMITS) for row in _by_arm("adjusted mean", (6.21, 5.68), visit="m9")]
    rows, heading = _told(trial, "loneliness", *seen, *means, effect)
    overall = "Difference of adjusted means, all visits"
    assert list(rows) == ["Observed mean (SD), 9 months", "Adjusted mean, 9 months", overall]
    assert [cell.text for cell in rows[overall][1:4]] == ["", "", f"{MINUS}0.50"]
    assert "all visits" in heading
    assert rows["Observed mean (SD), 9 months"][1].text == "6.2", "without an SD there is none to show"


def test_a_yes_or_no_is_told_of_how_many_and_by_three_measures(trial):
    visit = {"visit": "m9"}
    measures = [
        replace(Statistic(name, value, n=143, **VERSUS, **visit), **LIMITS)
        for name, value in (("risk difference", 0.2), ("risk ratio", 2.3), ("odds ratio", 3.0))
    ]
    shares = [replace(row, **LIMITS) for row in _by_arm("proportion", (0.154, 0.357), **visit)]
    rows, _ = _told(trial, "above_30_hours", *_of_n((12, 24), (72, 71), **visit), *shares, *measures)
    assert [cell.text for cell in rows["Observed, n/N (%)"][1:]] == ["12/72 (17%)", "24/71 (34%)"]
    assert [cell.text for cell in rows["Risk difference"][1:4]] == ["0.15", "0.36", "0.20"]
    measures = ("Risk ratio", "Odds ratio, standardised over the covariates")
    assert [rows[name][3].text for name in measures] == ["2.30", "3.00"]


def test_what_was_observed_is_shown_where_there_is_no_effect(trial):
    """0 of 72 against 0 of 71 is the whole result."""
    why = "everybody analysed has the same outcome: there is nothing to compare"
    none = Statistic(
        "adjusted mean difference", nan, status="not estimable", reason=why, visit="m9", **VERSUS
    )
    rows, _ = _told(trial, "above_30_hours", *_of_n((0, 0), (72, 71), visit="m9"), none)
    assert [cell.text for cell in rows["Observed, n/N (%)"][1:]] == ["0/72 (0%)", "0/71 (0%)"]
    assert rows["Risk difference"][3].text == f"not estimable: {why}"


def test_ordered_levels_are_each_told_and_each_cut_has_its_odds_ratio(trial):
    """One common ratio rests on proportional odds, which only the cuts show."""
    visit, levels = {"visit": "m9"}, trial.outcomes["disability_level"].levels
    counts = ((41, 28), (19, 19), (12, 24))
    seen = [r for lv, own in zip(levels, counts, strict=True) for r in _of_n(own, (72, 71), at=lv, **visit)]
    common = replace(Statistic("common odds ratio", 2.79, n=143, **VERSUS, **visit), **LIMITS)
    cuts = [
        replace(Statistic("odds ratio", value, at=at, **VERSUS, **visit), **LIMITS)
        for at, value in ((f"{levels[1]} or higher", 2.38), (levels[2], 3.6))
    ]
    rows, _ = _told(trial, "disability_level", *seen, common, *cuts)
    assert [rows[f"Observed: {level}"][2].text for level in levels] == [
        "28/71 (39%)",
        "19/71 (27%)",
        "24/71 (34%)",
    ]
    assert rows[f"{AT_A_CUT}, {levels[1]} or higher"][3].text == "2.38"
    assert rows[f"{AT_A_CUT}, {levels[2]}"][3].text == "3.60"


def test_a_cut_that_needed_a_penalty_says_so(trial):
    """Its neighbours are maximum likelihood; the effect's own flag stands below the table already."""
    flag = "nobody in SRT plus usual care had the outcome: Firth's penalty is used"
    common = replace(Statistic("common odds ratio", 0.3, n=52, visit="m9", **VERSUS), **LIMITS)
    cut = replace(Statistic("odds ratio", 0.1, at="severe", reason=flag, visit="m9", **VERSUS), **LIMITS)
    assert _told(trial, "disability_level", common, cut)[0][f"{AT_A_CUT}, severe"][0].detail == flag
    whole = [replace(row, reason=flag) for row in (common, cut)]
    assert _told(trial, "disability_level", *whole)[0][f"{AT_A_CUT}, severe"][0].detail == ""


def _events(**where):
    return [
        *_by_arm("follow-up", (141.1417, 137.4264), unit="person-years", **where),
        *_by_arm("rate", (0.02834, 0.05821), **where),
        *(Statistic("count", v, arm=a, n=n) for a, v, n in (("UC", 4, 79), ("SRT", 7, 75))),
    ]


def test_events_stand_with_the_time_in_which_they_happened(trial):
    effect = replace(Statistic("rate ratio", 2.0, n=154, **VERSUS), **LIMITS)
    rows, _ = _told(trial, "admissions", *_by_arm("total", (4, 8), n=79), *_events(), effect)
    own = rows["Admissions in person-years, rate"]
    assert [(c.text, c.detail) for c in own[1:]] == [
        ("4 in 141.1", "0.028 a year"),
        ("8 in 137.4", "0.058 a year"),
    ]
    assert own[1].source.count(" ; ") == 2, "events, time and rate are three rows"
    assert [cell.text for cell in rows["Any admissions, n/N (%)"][1:]] == ["4/79 (5%)", "7/75 (9%)"]


def test_a_time_to_an_event_has_its_events_its_curves_and_the_log_rank_test(trial):
    """The hazard ratio leans on covariates and proportional hazards; the log-rank test on neither."""
    free = [
        replace(row, lower=0.851, upper=0.978, se=0.03)
        for row in _by_arm("event-free", (0.9413, 0.9), at="day 700")
    ]
    hazard = replace(Statistic("hazard ratio", 2.1, n=154, **VERSUS), **LIMITS)
    log_rank = Statistic("log-rank", 1.549, df=1.0, p_value=0.2132, **VERSUS)
    rows, _ = _told(trial, "time_to_admission", *_events(), *free, log_rank, hazard)
    assert [cell.text for cell in rows["Had the event, n/N (%)"][1:]] == ["4/79 (5%)", "7/75 (9%)"]
    assert rows["Events in person-years, rate"][1].text == "4 in 141.1"
    assert (rows["Event-free, day 700"][1].text, rows["Event-free, day 700"][1].detail) == (
        "0.941",
        "(0.851 to 0.978)",
    )
    test = rows["Log-rank test"]
    assert (test[3].text, test[3].detail, test[5].text) == ("1.55", "chi-square, 1 df", "0.213")


def test_a_share_that_is_certain_has_no_limits(trial):
    """Nobody had the event: the formula of the limits has none to give."""
    free = _by_arm("event-free", (1.0, 0.9), at="day 700", se=0.0)
    rows, _ = _told(trial, "time_to_admission", *free)
    assert (rows["Event-free, day 700"][1].text, rows["Event-free, day 700"][1].detail) == ("1.00", "")


def test_rows_that_no_arm_has_are_left_out(trial):
    """Results of an older version hold fewer: dashes in a row would pass for nobody seen."""
    effect = replace(Statistic("rate ratio", 2.0, n=154, **VERSUS), **LIMITS)
    rows, _ = _told(trial, "admissions", effect)
    assert list(rows) == ["Rate ratio; above 1: more often"]


def test_the_table_says_what_observed_means_and_how_cuts_are_read(trial):
    notes = secondary_table(_results(), trial).notes
    assert any("neither adjusted nor imputed" in note for note in notes)
    assert any("proportional odds" in note for note in notes)
    assert any("log-rank" in note for note in notes)


def test_the_table_stands_on_an_upright_page(trial):
    """Wide cells, of every kind at once: seven columns must fit between the margins of an A4 page."""
    visit = {"visit": "m9"}
    wide = {"se": 0.506, "df": 138.7, "lower": 19.32, "upper": 20.75, "p_value": 0.0001}
    means = [replace(row, **wide) for row in _by_arm("adjusted mean", (20.0, 20.1), **visit)]
    effect = replace(Statistic("adjusted mean difference", -1.53, n=147, **VERSUS, **visit), **wide)
    events = [*_by_arm("total", (4, 8), n=79), *_events()]
    table = secondary_table(_results(loneliness=[*means, effect], admissions=events), trial)
    assert not is_wide(table)


def _with(trial, **analyses):
    return trial.model_copy(
        update={"analyses": {"primary": trial.primary_analysis, **analyses}, "families": {}}
    )


@pytest.mark.parametrize("estimator", ["moderator", "tipping_point"])
def test_what_has_a_table_of_its_own_is_no_secondary_outcome(trial, estimator):
    """Their answers have no limits: here they stood as "not estimable: no reason recorded"."""
    own = next(a for a in trial.analyses.values() if a.estimator == estimator)
    plan = _with(
        trial, own=own.model_copy(update={"role": "secondary"}), loneliness=trial.analyses["loneliness"]
    )
    (group,) = secondary_table(_results(), plan).groups
    assert group.label.startswith("Loneliness")


def test_one_outcome_analysed_twice_is_told_apart_by_the_analyses_labels(trial):
    own = trial.analyses["loneliness"]
    again = own.model_copy(update={"name": "again", "label": "Once more"})
    (alone,) = secondary_table(_results(), _with(trial, loneliness=own)).groups
    both = secondary_table(_results(), _with(trial, loneliness=own, again=again)).groups
    assert own.label not in alone.label.split("; ")[1:]
    assert [g.label for g in both] == [f"{alone.label}; {own.label}", f"{alone.label}; Once more"]


def test_an_effect_in_compliers_is_not_called_a_difference_of_means(trial):
    """It is of those who complied, and no arm's adjusted mean stands behind it."""
    own = trial.analyses["cace"].model_copy(update={"role": "secondary"})
    effect = replace(Statistic("complier average causal effect", 9.6, visit="m9", **VERSUS), **LIMITS)
    (group,) = secondary_table(_results(cace=[effect]), _with(trial, cace=own)).groups
    (only,) = group.rows
    assert [cell.text for cell in only.cells[:4]] == ["Effect in compliers", "", "", "9.60"]


def test_an_interaction_in_a_family_has_its_adjusted_p_below_its_own_table(trial):
    """The table of secondary outcomes has it no more."""
    name, own = next((n, a) for n, a in trial.analyses.items() if a.estimator == "moderator")
    results = _results(**{name: [Statistic("interaction test", 4.1, p_value=0.03, **VERSUS)]})
    plan = _with(trial, **{name: own})
    assert not [note for note in moderators_table(results, plan).notes if "family" in note]
    results = results.assign(family="f", p_adjusted=0.06, gate="not rejected")
    said = moderators_table(results, plan).notes[-1]
    assert said.endswith("p, adjusted for its family: 0.060 (not rejected).")
