"""Wherever a p-value of an analysis in a family is told, so is what the family makes of it, and in one way."""

from dataclasses import replace
from math import nan

import pytest

from analysis.estimators.multiplicity import with_families
from analysis.reporting.headline import headlines
from analysis.reporting.tables.estimand import estimand_table
from analysis.reporting.tables.primary import adjusted_cell, primary_table
from analysis.reporting.tables.secondary import secondary_table
from analysis.reporting.tables.tipping import tipping_sentence
from analysis.results import Statistic, result_records, results_table
from data_contracts.plan import Family
from data_contracts.spec import Arm

VERSUS = {"visit": "m9", "contrast": "SRT - UC"}
LIMITS = {"se": 3.0, "lower": 0.1, "upper": 14.0, "confidence": 0.95}


@pytest.fixture
def told(trial):
    """Return a function: what the card of an estimand says of its answer."""

    def card(results, analysis):
        estimand = trial.estimands[trial.analyses[analysis].estimand]
        rows = estimand_table(estimand, trial, results).groups[0].rows
        return next(row.cells[1].detail for row in rows if row.cells[0].text == "Answered by")

    return card


def test_the_card_of_an_estimand_tells_what_its_family_makes_of_p(answered, told):
    """ "p = 0.037" beside an adjusted p of 0.146 reads as a finding."""
    others = ("loneliness", "medication_adherence", "social_functioning")
    ps = {name: {"p_value": 0.5} for name in others}
    results = answered(alcohol_use={"p_value": 0.037}, **ps)
    assert told(results, "alcohol_use").endswith("; p = 0.037, adjusted p = 0.148, not rejected)")
    assert told(results, "primary").endswith("; p = 0.010, rejected)")


def test_the_card_of_an_estimand_in_no_family_tells_its_p_alone(trial, answered):
    alone = trial.model_copy(update={"families": {}})
    rows = estimand_table(alone.primary, alone, answered(alone)).groups[0].rows
    assert any(row.cells[1].detail.endswith("; p = 0.010)") for row in rows)


def _results(trial, primary, delta=-0.8):
    point = Statistic("tipping delta", delta, p_value=0.05, at="delta in arm SRT", **VERSUS)
    records = [
        record
        for name, row in {"primary": primary, "tipping_point": point}.items()
        for record in result_records([row], analysis=name, role="primary", estimand="e")
    ]
    return results_table(with_families(records, trial))


@pytest.mark.parametrize(
    ("changed", "claimed"),
    [({"p_value": 0.04}, True), ({"p_value": 0.06}, False), ({"p_value": 0.04, "lower": -0.1}, False)],
    ids=["rejected", "not rejected by its family", "an interval with zero"],
)
def test_a_tipping_point_tips_a_conclusion_only_where_the_headline_draws_one(trial, changed, claimed):
    """ "No difference is claimed" above, "the conclusion would change" below: one of the two must be wrong."""
    primary = replace(Statistic("adjusted mean difference", 7.0, **VERSUS), **{**LIMITS, **changed})
    results = _results(trial, primary)
    analysis, (arm,) = trial.analyses["tipping_point"], trial.compared_arms
    said = tipping_sentence(results, trial, analysis, arm)
    (headline,) = headlines(results, trial)
    assert (headline.verdict != "no clear difference") == claimed
    assert said.startswith(
        "The conclusion would change if" if claimed else "p, not adjusted, would reach 5% if"
    )
    assert "0.8 hours/week lower (worse)" in said


def test_a_family_holds_back_one_arm_and_not_the_other(trial):
    """Each arm has its own place in the family, and its own tipping point."""
    more = Arm(code="MORE", label="More", therapy=True)
    family = Family(name="main", label="Both arms", method="holm", analyses=("primary",))
    three = trial.model_copy(update={"arms": (*trial.arms, more), "families": {"main": family}})
    effect = replace(Statistic("adjusted mean difference", 7.0, **VERSUS), **LIMITS)
    rows = [replace(effect, p_value=0.06), replace(effect, p_value=0.001, contrast="MORE - UC")]
    points = [Statistic("tipping delta", -2.0, visit="m9", contrast=f"{arm} - UC") for arm in ("SRT", "MORE")]
    records = [
        *result_records(rows, analysis="primary", role="primary", estimand="e"),
        *result_records(points, analysis="tipping_point", role="sensitivity", estimand="e"),
    ]
    results = results_table(with_families(records, three))
    said = [tipping_sentence(results, three, three.analyses["tipping_point"], a) for a in three.compared_arms]
    assert ["The conclusion would change" in one for one in said] == [False, True]


def test_no_p_is_shown_of_what_was_not_estimated(trial):
    """ ">0.999" beside "not estimable" looks like a finding; the family counts it as 1."""
    refused = Statistic("adjusted mean difference", nan, status="not estimable", reason="too few", **VERSUS)
    records = [
        record
        for name in ("primary", "loneliness", "above_30_hours")
        for record in result_records([refused], analysis=name, role=trial.analyses[name].role, estimand="e")
    ]
    results = results_table(with_families(records, trial))
    tables = (primary_table(results, trial), secondary_table(results, trial))
    rows = [row for table in tables for group in table.groups for row in group.rows]
    shown = [row.cells[-1] for row in rows if any("too few" in cell.text for cell in row.cells)]
    assert {(cell.text, cell.detail) for cell in shown} == {
        ("counted as 1", "not rejected"),
        ("counted as 1", "not tested"),
    }
    assert adjusted_cell(None).text == "–"
