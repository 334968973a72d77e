"""What a trial file may not say, and the sentence it gets."""

import pytest

from data_contracts import load
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


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ('strata = ["site"', 'strata = [["site"]', ["strata.0"]),
        ("structured_activity_hours = [", "structured_activity_hours = 3\nrest = [", ["forms.time_use.totals"]),
        ('when = [{ column = "category"', "when = [{ column = []", ["checks.admission_is_serious.when"]),
        ('kind = "participants"', "kind = []", ["forms.participants.kind"]),
        ('outcome = "loneliness"\nvisit', "outcome = {}\nvisit", ["estimands.loneliness_9_months.outcome"]),
        ('primary_estimand = "', 'primary_estimand = ["a"]\nsecondary = "', ["primary_estimand", "secondary"]),
    ],
)  # fmt: skip
def test_a_list_or_table_where_a_name_belongs_is_the_mistake_that_is_told(tmp_path, old, new, keys):
    """The names of a plan are looked up even in a file with other mistakes: what has no name stops nothing."""
    problems = mistakes_of(tmp_path, old, new)
    for key in keys:
        assert any(problem.startswith(f"edited.toml, {key}") for problem in problems), problems


def test_a_fault_of_the_program_is_not_hidden_behind_a_valid_file(tmp_path, monkeypatch):
    """Only mistakes that are told may stand for a check that stopped."""

    def broken(*_):
        raise TypeError("a fault")

    monkeypatch.setattr(load, "broken_references", broken)
    with pytest.raises(TypeError, match="a fault"):
        load_trial(SHIPPED_TRIALS / "demo.toml")
