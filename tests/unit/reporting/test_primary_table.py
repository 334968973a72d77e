"""The primary table: who is in the model, who was seen, and what the family of hypotheses makes of p."""

import pytest

from analysis.reporting.tables.primary import primary_table
from analysis.results import Statistic, result_records, results_table

SEEN = (("UC", 72.0), ("SRT", 71.0))


@pytest.fixture
def cells(trial, answered):
    """Return a function: the primary visit's cells by column, of a plan with families or without."""

    def of(families=trial.families, p_adjusted=None):
        plan = trial.model_copy(update={"families": families})
        results = answered(plan, only="primary")
        if p_adjusted is not None:
            results = results.assign(p_adjusted=p_adjusted, gate="not rejected")
        count = [Statistic("count", n, visit="m9", arm=arm) for arm, n in SEEN]
        observed = result_records(
            count, analysis="observed", outcome=trial.primary.outcome, role="descriptive"
        )
        whole = results_table([*results.to_dict("records"), *observed])
        table = primary_table(whole, plan)
        (row,) = (line for group in table.groups for line in group.rows if line.mark == "primary")
        return dict(zip((column.label for column in table.columns), row.cells, strict=True)), table.notes

    return of


def test_those_in_the_model_and_those_observed_at_the_visit_are_told_apart(cells):
    """147 stand behind each row of a mixed model, and fewer were seen at the visit."""
    (shown, notes) = cells()
    assert shown["n in model"].text == "147"
    assert shown["n observed"].text == "72; 71"
    assert shown["n observed"].source.count("observed/") == 2
    assert any(note.startswith("n in model counts everybody") for note in notes)


def test_a_model_that_was_not_fitted_is_not_told_as_the_method(trial, answered):
    """ "Mixed model, 45 participants" below a table without a number said that there was one."""
    method = {"method": "mixed model for repeated measures"}
    refused = {"status": "not estimable", "reason": "nobody was seen", "value": float("nan")}
    noted = [
        [
            note
            for note in primary_table(answered(only="primary", primary=own), trial).notes
            if "Method:" in note
        ]
        for own in (method, method | refused)
    ]
    assert [len(notes) for notes in noted] == [1, 0]


def test_what_was_not_observed_in_an_arm_is_a_dash(cells, trial, answered):
    """No row is no zero."""
    (row, *_) = (line for g in primary_table(answered(only="primary"), trial).groups for line in g.rows)
    assert row.cells[2].text == "\N{EN DASH}; \N{EN DASH}"


def test_the_adjusted_p_stands_beside_the_raw_one_with_what_the_family_decides(cells):
    shown, notes = cells(p_adjusted=0.09)
    assert (shown["p"].text, shown["p, adjusted"].text, shown["p, adjusted"].detail) == (
        "0.010",
        "0.090",
        "not rejected",
    )
    assert any("were tested gate by gate" in note for note in notes)


def test_a_primary_analysis_in_no_family_has_no_such_column(cells, trial):
    further = {"further": trial.families["further"]}
    shown, notes = cells(families=further)
    assert "p, adjusted" not in shown
    assert not any("Holm" in note for note in notes)
