"""Each instrument file proves itself: its worked examples must come out of the scoring."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.derive.scoring import score_instrument
from data_contracts.errors import PlanError
from data_contracts.instrument import Instrument, WorkedExample
from data_contracts.load import SHIPPED_INSTRUMENTS, load_instrument

NAMES = sorted(path.stem for path in SHIPPED_INSTRUMENTS.glob("*.toml"))
INSTRUMENTS = [load_instrument(name)[0] for name in NAMES]
EXAMPLES = [
    pytest.param(instrument, example, id=f"{instrument.name}-{number}")
    for instrument in INSTRUMENTS
    for number, example in enumerate(instrument.examples, start=1)
]
IN_DOMAIN = {
    *("ucla3", "ucla20", "lsns6", "dejong6", "mars5", "panss", "psp", "sofas", "gaf"),
    *("audit", "dudit", "dast10", "tlfb", "bdi2", "bhs", "bai", "sias", "eq5d5l"),
}  # fmt: skip


def _scored(instrument: Instrument, example: WorkedExample) -> pd.Series:
    answers = [None if answer == "missing" else answer for answer in example.answers]
    return score_instrument(pd.DataFrame([answers]).astype("Float64"), instrument).iloc[0]


@pytest.mark.parametrize(("instrument", "example"), EXAMPLES)
def test_a_worked_example_comes_out_as_the_file_says(instrument, example):
    """Whoever adds an instrument proves it by hand; 1e-9 leaves room for thirds and ninths only."""
    scored = _scored(instrument, example)
    for scale, expected in example.scores.items():
        if expected == "missing":
            assert pd.isna(scored[scale])
        else:
            assert scored[scale] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("instrument", "example"), EXAMPLES)
def test_a_score_with_an_item_missing_is_always_flagged(instrument, example):
    """Proration can bias even when items are missing at random, so it is never silent."""
    scored = _scored(instrument, example)
    for name, scale in instrument.scales.items():
        n_missing = sum(example.answers[item - 1] == "missing" for item in scale.items)
        assert scored[f"{name}_n_answered"] == len(scale.items) - n_missing
        assert scored[f"{name}_prorated"] == (pd.notna(scored[name]) and n_missing > 0)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=NAMES)
def test_the_examples_show_each_scale_scored_and_left_missing(instrument):
    """An example without a missing answer says nothing about the rule for missing answers."""
    assert all(set(example.scores) == set(instrument.scales) for example in instrument.examples)
    for scale in instrument.scales:
        shown = [example.scores[scale] for example in instrument.examples]
        assert any(score != "missing" for score in shown)
    assert any("missing" in example.answers for example in instrument.examples)
    if instrument.reversed:
        assert any("missing" not in example.answers for example in instrument.examples)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=NAMES)
def test_the_lowest_and_highest_answers_give_the_range_of_each_scale(instrument):
    """A range that the items can't reach, or can exceed, would let wrong scores pass."""
    for name, scale in instrument.scales.items():
        if scale.method == "percentage":
            continue
        reached = {_extreme(instrument, name, highest=highest) for highest in (False, True)}
        assert reached == set(scale.range)


def _extreme(instrument: Instrument, scale: str, *, highest: bool) -> float:
    answers = []
    for item in range(1, instrument.n_items + 1):
        low, high = instrument.answer_range(item)
        answers.append(high if highest != (item in instrument.reversed) else low)
    return score_instrument(pd.DataFrame([answers], dtype="float64"), instrument)[scale].iloc[0]


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=NAMES)
def test_cutoffs_lie_within_the_range_of_their_scale(instrument):
    """A cut-off beyond the range would never be reached."""
    for scale in instrument.scales.values():
        for low, high in scale.cutoffs.values():
            assert scale.range[0] <= low <= high <= scale.range[1]


def test_every_instrument_of_the_field_is_shipped():
    """The four settings of SRT need them."""
    assert set(NAMES) == IN_DOMAIN


@pytest.mark.parametrize(("name", "item"), [("audit", 9), ("audit", 10), ("dudit", 10), ("dudit", 11)])
def test_the_last_questions_of_audit_and_dudit_take_only_0_2_and_4(name, item):
    """A 1 or 3 there is a keying error that a plain range of 0-4 would let pass."""
    assert load_instrument(name)[0].legal_answers(item) == (0, 2, 4)


def test_an_illegal_answer_counts_as_not_answered():
    """A MARS-5 answer of 7 is a keying error: to add it up would invent adherence."""
    mars5, _ = load_instrument("mars5")
    scored = score_instrument(pd.DataFrame([[5, 5, 4, 7, 4]], dtype="float64"), mars5).iloc[0]
    assert (scored["total"], scored["total_n_answered"], scored["total_prorated"]) == (22.5, 4, True)


def test_scoring_the_wrong_number_of_columns_is_refused():
    """A column too few would shift every reversed item."""
    with pytest.raises(ValueError, match="ucla3 has 3 items, not 2"):
        score_instrument(pd.DataFrame([[1.0, 2.0]]), load_instrument("ucla3")[0])


def test_an_unknown_instrument_is_a_plan_error_that_lists_the_known_ones():
    """A misspelt name is the most common mistake in a trial file."""
    with pytest.raises(PlanError, match="no instrument named 'audti'") as error:
        load_instrument("audti")
    assert "audit" in str(error.value)


def test_no_instrument_file_holds_item_wording():
    """Item texts belong to their publishers; a file is a key, not a questionnaire."""
    for path in SHIPPED_INSTRUMENTS.glob("*.toml"):
        assert "?" not in Path(path).read_text(encoding="utf-8")
