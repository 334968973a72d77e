"""Labels inside sentences: an ordinary word gets a small letter, a name or an abbreviation keeps its own."""

import pytest

from analysis.reporting.figures.forest import scale_of
from analysis.reporting.methods.words import in_words, inside, opening
from analysis.reporting.tables.baseline import baseline_table
from analysis.reporting.tables.missing_data import missing_table, patterns_table
from analysis.reporting.tables.secondary_observed import Observed, observed_rows
from analysis.results import Statistic, results_frame, results_table
from data_contracts.load import find_trial, load_trial

NAMES = (
    "WSAS",
    "EQ-5D score",
    "Time Use Survey: hours",
    "Beat the Blues plus usual care",
    "iCBT",
    "SRT plus care",
    "K10",
    "A&E visits",
    "GP visits",
    "Hamilton score",
    "Beck inventory",
    "Edinburgh scale",
    "Christmas visit",
    "Welsh speakers",
    "Young schema score",
)


@pytest.mark.parametrize("label", [*NAMES, "", "9 months", "X"])
def test_a_name_keeps_its_letters(label):
    """ "wsas" and "social Recovery" are nothing a reader knows."""
    assert inside(label) == label


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Usual care", "usual care"),
        ("Depression (BDI-II)", "depression (BDI-II)"),
        ("Complete cases: Every visit", "complete cases: Every visit"),
        ("Type II diabetes", "type II diabetes"),
        ("A yes", "a yes"),
        ("Age, in years", "age, in years"),
    ],
)
def test_an_ordinary_word_gets_a_small_letter_and_nothing_else_changes(label, shown):
    assert inside(label) == shown


def test_a_line_begins_with_a_capital_and_keeps_its_names():
    """`str.capitalize` makes "Srt reaction" of it."""
    assert (opening("reaction to SRT"), opening("")) == ("Reaction to SRT", "")


def test_a_unit_that_begins_a_line_keeps_its_letters():
    """`str.capitalize` made "Gp visits" of it."""
    trial = load_trial(find_trial("demo"))
    outcome = trial.outcomes["admissions"].model_copy(update={"unit": "GP visits"})
    versus = {"contrast": "SRT - UC"}
    rows = [
        Statistic(name, 2.0, arm=arm.code) for arm in trial.arms for name in ("total", "follow-up", "rate")
    ]
    results = results_frame([*rows, Statistic("rate ratio", 0.8, **versus)], analysis="admissions")
    observed = Observed.of(results, trial.analyses["admissions"], "")
    labels = [line.cells[0].text for line in observed_rows(observed, outcome, trial.arms)]
    assert "GP visits in person-years, rate" in labels


def test_small_numbers_are_words_and_others_digits():
    assert [in_words(n) for n in (0, 3, 12, 13)] == ["none", "three", "twelve", "13"]


def test_no_table_or_figure_makes_small_letters_of_a_name(trial):
    """Captions and scales put labels into sentences too."""
    outcome = trial.outcomes[trial.primary.outcome].model_copy(update={"label": "WSAS by Social Recovery"})
    population = trial.populations[trial.primary.population].model_copy(
        update={"label": "Everybody with SRT"}
    )
    named = trial.model_copy(
        update={
            "outcomes": {**trial.outcomes, outcome.name: outcome},
            "populations": {**trial.populations, trial.primary.population: population},
        }
    )
    nothing = results_table([])
    captions = [make(nothing, named).caption for make in (missing_table, patterns_table, baseline_table)]
    assert all("everybody with SRT" in caption for caption in captions)
    assert "WSAS by Social Recovery" in captions[1]
    assert "WSAS by Social Recovery" in scale_of(outcome)
