"""The reference-based answers that are one number: why, where the trial's visits make them so."""

import pytest

from analysis.reporting.tables.sensitivity import sensitivity_table

SAID = "Jump to reference, copy reference and copy increments in reference give the same answer here"


def _notes(trial, answered, **changed):
    return [n for n in sensitivity_table(answered(trial, **changed), trial).notes if "same answer" in n]


def test_one_answer_to_three_assumptions_is_explained(trial, answered):
    """At the first visit after baseline they impute alike; without a word that looks like an error."""
    (note,) = _notes(trial, answered)
    assert note.startswith(SAID)
    assert "before 9 months there is none" in note


@pytest.mark.parametrize(
    ("other", "title"), [("imputed_cr", "copy reference"), ("imputed_cir", "copy increments in reference")]
)
def test_only_those_that_agree_are_named(trial, answered, other, title):
    (note,) = _notes(trial, answered, **{other: {"value": 7.0}})
    assert note.startswith("Jump to reference and copy ")
    assert title not in note


def test_answers_that_differ_or_are_at_a_later_visit_are_not_explained(trial, answered):
    """There the three assume other things: that they agree would be chance."""
    differ = {"imputed_j2r": {"value": 7.0}, "imputed_cr": {"value": 7.5}}
    assert _notes(trial, answered, **differ) == []
    earlier = trial.visits[0].model_copy(
        update={"code": "m3", "label": "3 months", "baseline": False, "month": 3}
    )
    later = trial.model_copy(update={"visits": (trial.visits[0], earlier, *trial.visits[1:])})
    assert _notes(later, answered) == []
