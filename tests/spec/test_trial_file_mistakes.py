"""What a trial file may not say, and the sentence it gets."""

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

TEXT = (SHIPPED_TRIALS / "demo.toml").read_text(encoding="utf-8")


def mistakes_of(tmp_path, old, new):
    """Return the problems of the demonstration trial's file with one edit."""
    assert old in TEXT
    path = tmp_path / "edited.toml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(path)
    return [str(problem) for problem in caught.value.problems]


def test_the_arm_belongs_to_the_allocation_alone(tmp_path):
    """Two copies of the arm can disagree, and only one of them is what was randomised."""
    edit = '[forms.participants.columns]\narm = { type = "text", label = "Arm" }'
    (problem,) = mistakes_of(tmp_path, "[forms.participants.columns]", edit)
    assert "forms.participants.columns" in problem
    assert "allocation" in problem


def test_an_exported_total_must_be_a_column(tmp_path):
    """Otherwise nothing could be compared with the items."""
    (problem,) = mistakes_of(tmp_path, 'total = "audit_total"', 'total = "audit_sum"')
    assert "forms.questionnaires.instruments.audit.total" in problem
    assert "'audit_sum'" in problem


def test_a_column_may_not_be_called_row(tmp_path):
    """Records are numbered by `row`."""
    edit = '[forms.participants.columns]\nrow = { type = "integer" }'
    (problem,) = mistakes_of(tmp_path, "[forms.participants.columns]", edit)
    assert "'row'" in problem


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('time_zone = "Europe/London"', 'time_zone = "Europe/Londres"', "night.time_zone"),
        ("window = [214, 335]", "window = [214, 400]", "visits"),
        (
            'outcome = "loneliness"\nvisit',
            'outcome = "lonelines"\nvisit',
            "estimands.loneliness_9_months.outcome",
        ),
        ('estimand = "activity_9_months"', 'estimand = "activity_9_month"', "analyses"),
        ("reference = true", "reference = false", "arms"),
    ],
)
def test_a_single_mistake_is_named_by_its_key(tmp_path, old, new, key):
    """Where it is, what was found, what was expected."""
    problems = mistakes_of(tmp_path, old, new)
    assert any(key in problem for problem in problems)
    assert len(problems) <= 2
