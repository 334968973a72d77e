"""Mistakes under [blinding] and [privacy] and in a form's `drop`, each with its message."""

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

BLINDED = 'open_because = "simulated data: there is nobody to blind"'


def mistakes(tmp_path, old, new):
    """Return what is said of the demonstration trial's file with a change."""
    text = (SHIPPED_TRIALS / "demo.toml").read_text()
    assert old in text
    path = tmp_path / "demo.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(PlanError) as caught:
        load_trial(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("reveals", "expected"),
    [
        ("alliance", "a form or form.column"),
        ("sessions.room", "one of"),
        ("participants", "its columns that tell the arm"),
        ("participants.participant", "a column other than the identifier"),
    ],
)
def test_what_reveals_must_be_there_and_be_apart(tmp_path, reveals, expected):
    """A misspelt form would stay in the open."""
    said = mistakes(tmp_path, BLINDED, f'reveals = ["{reveals}"]')
    assert "blinding.reveals" in said
    assert expected in said


def test_what_is_not_personal_must_be_a_column_of_a_form(tmp_path):
    """An excuse that excuses nothing would stop the night all the same."""
    said = mistakes(tmp_path, BLINDED, f'{BLINDED}\n[privacy]\nnot_personal = ["people.street"]')
    assert "privacy.not_personal" in said


def test_a_column_is_either_read_or_dropped(tmp_path):
    """Both at once is a mistake in one of the two."""
    said = mistakes(tmp_path, 'key = ["participant"]', 'key = ["participant"]\ndrop = ["CONSENT_DT"]')
    assert "participants.drop" in said
    assert "consented" in said


def test_the_template_explains_blinding_and_is_blinded():
    """A unit's new trial must not be open by default."""
    from pipelines.cli.new_trial import filled

    text = filled("new_one")
    assert "[blinding]" in text
    assert "\nopen_because" not in text
