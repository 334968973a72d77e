"""Labels inside sentences: an ordinary word gets a small letter, a name or an abbreviation keeps its own."""

import pytest

from analysis.reporting.figures.forest import scale_of
from analysis.reporting.methods.words import in_words, inside, opening
from analysis.reporting.tables.baseline import baseline_table
from analysis.reporting.tables.missing_data import missing_table, patterns_table
from analysis.results import results_table

NAMES = (
    "WSAS",
    "EQ-5D score",
    "Time Use Survey: hours",
    "Beat the Blues plus usual care",
    "iCBT",
    "SRT plus care",
    "K10",
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
    ],
)
def test_an_ordinary_word_gets_a_small_letter_and_nothing_else_changes(label, shown):
    assert inside(label) == shown


def test_a_line_begins_with_a_capital_and_keeps_its_names():
    """`str.capitalize` makes "Srt reaction" of it."""
    assert (opening("reaction to SRT"), opening("")) == ("Reaction to SRT", "")


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
