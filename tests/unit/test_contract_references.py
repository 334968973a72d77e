"""Mistakes in what a plan asks of its data: the file, the key, what was found and what belongs there."""

from pathlib import Path

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

DEMO = (SHIPPED_TRIALS / "demo.toml").read_text(encoding="utf-8")
LIST = '[randomisation]\nblock = "block"\nblock_sizes = [4, 6]\n'
MISTAKES = {
    "a column the list does not have": (
        LIST, LIST.replace('"block"', '"bloc"'), "randomisation.block", "one of"),
    "a list numbered by a text": (LIST, LIST.replace('"block"', '"arm"'), "randomisation.block", "whole numbers"),
    "a block of five for two arms": (
        LIST, LIST.replace("[4, 6]", "[4, 5]"), "randomisation.block_sizes", "multiples of 2"),
    "a ratio for an arm that is not there": (
        LIST, LIST + "ratio = { UC = 1, WAIT = 1 }\n", "randomisation.ratio", "one of"),
    "a criterion on a column that is not there": (
        '"participants.months_in_service"', '"participants.months"', "eligibility.2.column", "one of"),
    "a range on a code": (
        '"participants.months_in_service"', '"participants.diagnosis"', "eligibility.2.column", "a number, or `codes`"),
    "an expected visit that is not planned": (
        'expected_at = ["m9"]', 'expected_at = ["m10"]', "forms.time_use.expected_at", "one of"),
    "a value required at an unknown visit": (
        'source = "tus_note", ', 'source = "tus_note", required_at = ["m8"], ', "assessor_note.required_at", "one of"),
    "an own rule on a form that is not there": (
        'form = "adverse_events"\nwhen', 'form = "events"\nwhen', "checks.admission_is_serious.form", "one of"),
    "an own rule on a column that is not there": (
        'column = "serious", op', 'column = "grave", op', "checks.admission_is_serious.must.1", "one of"),
    "an order among texts": (
        'column = "serious", op = "="', 'column = "serious", op = "<"', "checks.admission_is_serious.must.1", "order"),
    "a comparison without its right side": (
        'op = "=", value = "Y"', 'op = "="', "checks.admission_is_serious.must.0", "either `value` or `other`"),
    "a text where a day belongs": (
        'column = "serious", op = "=", value = "Y"', 'column = "started", op = ">", value = "May"',
        "checks.admission_is_serious.must.1", "YYYY-MM-DD"),
    "two columns of different types": (
        'column = "serious", op = "=", value = "Y"', 'column = "started", op = ">", other = "event"',
        "checks.admission_is_serious.must.1", "two columns of one type"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "_"))
def test_a_mistake_is_told_with_its_key_and_what_belongs_there(mistake: str, tmp_path: Path) -> None:
    """A rule that points at nothing would otherwise judge nothing, night after night."""
    old, new, where, expected = MISTAKES[mistake]
    assert DEMO.count(old) == 1
    path = tmp_path / "mine.toml"
    path.write_text(DEMO.replace(old, new), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(path)
    told = [(p.where, p.expected) for p in caught.value.problems if where in p.where]
    assert any(expected in words for _, words in told), caught.value.problems
