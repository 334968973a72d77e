"""The tables on how a trial went say what the rows say, and each number names its row."""

import re

import pandas as pd
import pytest

from analysis.derive import build_analysis_set
from analysis.estimators.baseline import OBSERVED, describe_outcomes, described_frame
from analysis.estimators.course import course_records, missing_records
from analysis.reporting.consort import participant_flow
from analysis.reporting.estimates import estimates
from analysis.reporting.tables.disposition import disposition_by_site_table, disposition_table
from analysis.reporting.tables.harms import harms_table
from analysis.reporting.tables.missing_data import missing_table, patterns_table
from analysis.reporting.tables.populations import populations_table
from analysis.reporting.tables.recruitment import recruitment_table
from analysis.results import results_frame, results_table
from data_contracts.load import find_trial, load_trial
from data_contracts.readers.trial import read_trial
from pipelines.landing_data import write_simulated

TABLES = (
    disposition_table, disposition_by_site_table, populations_table, missing_table, patterns_table, harms_table,
    recruitment_table,
)  # fmt: skip
DECLARED = {("recruitment-table", 2)}  # (table, column) of numbers that the trial file declares


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def results(trial, tmp_path_factory):
    landing = tmp_path_factory.mktemp("demo")
    write_simulated(trial, landing)
    forms = read_trial(landing, trial)
    accepted = {n: form.values.drop_duplicates(list(trial.forms[n].key)) for n, form in forms.items()}
    built = build_analysis_set(accepted, trial)
    table = results_table(course_records(built.course, trial) + missing_records(built.frame, trial))
    observed = described_frame(describe_outcomes(built.frame, trial), analysis=OBSERVED, role="descriptive")
    return pd.concat([table, observed], ignore_index=True)


def lines(table):
    """Return the texts of a table's rows."""
    return [[cell.text for cell in row.cells] for group in table.groups for row in group.rows]


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.__name__)
def test_each_number_is_that_of_a_row_it_names(table, results, trial):
    """A number nobody can trace is a number nobody can check."""
    values = {e.key: e.value for e in estimates(results)}
    made, checked = table(results, trial), 0
    for row in [row for group in made.groups for row in group.rows]:
        for at, cell in enumerate(row.cells[1:], start=1):
            shown = [float(n) for n in re.findall(r"\d+", f"{cell.text} {cell.detail}")]
            if (made.name, at) not in DECLARED:
                assert sorted(shown) == sorted(
                    float(f"{values[k]:.0f}") for k in cell.source.split(" ; ") if k
                )
                checked += len(shown)
    assert checked >= 10


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.__name__)
def test_without_rows_a_table_says_why_it_is_empty(table, trial):
    """An empty frame would pass for an oversight."""
    made = table(results_frame([]), trial)
    assert made.is_empty
    assert made.empty
    assert not made.notes


def test_stages_stand_in_the_order_in_which_people_pass_them(results, trial):
    """Each loss below what it was lost from."""
    stages = [line[0] for line in lines(disposition_table(results, trial))]
    assert stages[:6] == [
        "Randomised", "Excluded after randomisation", "Received therapy", "Had no therapy", "Observed, Baseline",
        "Not observed, Baseline",
    ]  # fmt: skip
    assert stages[-1] == "In the primary analysis"


def test_who_was_offered_no_therapy_has_a_dash_not_a_nought(results, trial):
    """Nobody in usual care failed to come."""
    (received,) = [line for line in lines(disposition_table(results, trial)) if line[0] == "Received therapy"]
    assert received[1] == received[3] == "–"
    assert received[2].isdigit()


def test_the_sites_and_the_last_row_are_everybody(results, trial):
    """Each column of the table adds up for its reader."""
    *sites, whole = lines(disposition_by_site_table(results, trial))
    assert [line[0] for line in sites] == [site.label for site in trial.sites]
    for column in range(1, len(whole)):
        assert sum(int(line[column]) for line in sites) == int(whole[column])


def test_harms_say_whose_share_it_is_what_counts_as_related_and_that_nothing_is_tested(results, trial):
    """CONSORT Harms asks for the denominators; a p-value would invite to read safety from its size."""
    table = harms_table(results, trial)
    flow = participant_flow(results, trial)
    kept = [way.randomised - (way.excluded.n if way.excluded else 0) for way in flow.ways]
    assert [c.detail for c in table.columns[1::2]] == [f"people of {n}, n (%)" for n in (*kept, sum(kept))]
    assert "not tested" in table.caption
    assert table.notes[-2:] == (
        "Counted as serious: yes.",
        "Counted as related: possibly related, definitely related.",
    )
    labels = [line[0] for line in lines(table)]
    assert labels[:3] == ["Any adverse event", "Serious", "Related to trial procedures"]


def test_what_nobody_recorded_stands_below_what_it_was_asked_of(results, trial):
    """A reader of "Serious" must see beside it how many events might be."""
    blank = results[(results["analysis"] == "harms") & (results["outcome"] == "serious")]
    more = pd.concat([results, blank.assign(outcome="seriousness not recorded")], ignore_index=True)
    rows = harms_table(more, trial).groups[0].rows
    (unsaid,) = [one for one in rows if one.cells[0].text == "Seriousness not recorded"]
    assert unsaid.mark == "indented"
    assert "Seriousness not recorded" not in [line[0] for line in lines(harms_table(results, trial))]


def test_patterns_say_at_which_visits_people_were_seen(results, trial):
    """Signs alone would have to be counted."""
    first = lines(patterns_table(results, trial))[0]
    assert first[0] == "every visit"


def test_a_site_without_a_target_has_none_and_neither_have_all_together(results, trial):
    """The sum of some targets is nobody's target."""
    norfolk = trial.sites[0].model_copy(update={"target": None})
    some = trial.model_copy(update={"sites": (norfolk, *trial.sites[1:])})
    table = lines(recruitment_table(results, some))
    assert (table[0][2], table[-1][2]) == ("–", "–")
