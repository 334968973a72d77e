"""The report's table of how the models fitted: which of several statistics it shows."""

from math import nan

import pandas as pd
import pytest

from analysis.estimators.second_route.compare import ENDED
from analysis.reporting.tables.model_checks import model_checks_table
from analysis.results import Statistic, results_frame
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))


def rows(analysis, *statistics):
    """Return an analysis's answer and some statistics of its fit."""
    answer = Statistic("adjusted mean difference", 7.0, visit="m9", contrast="SRT - UC", n_observations=400)
    return results_frame([answer, *statistics], analysis=analysis, outcome="structured_activity_hours")


@pytest.fixture
def table():
    mmrm = rows(
        "primary", Statistic("residual sd", 17.8, visit="m9"), Statistic("residual sd", 20.0, visit="m24")
    )
    own, across = Statistic("agreement", 2e-9), Statistic("agreement", 0.024, visit="m9", contrast="SRT - UC")
    lmm = rows("lmm", Statistic("residual sd", 12.5), own, across)
    return model_checks_table(pd.concat([mmrm, lmm]), TRIAL)


def shown(table, label):
    """Return a row's texts by column."""
    (found,) = [row for group in table.groups for row in group.rows if row.cells[0].text == label]
    return {column.label: cell.text for column, cell in zip(table.columns, found.cells, strict=True)}


def test_a_residual_sd_by_visit_is_shown_at_the_visit_of_the_question(table):
    """The other visits are in the results table."""
    assert shown(table, TRIAL.primary_analysis.label)["Residual SD"] == "17.80"


def test_both_agreements_have_a_column_of_their_own(table):
    """One compares two computations of a model, the other two models."""
    found = shown(table, TRIAL.analyses["lmm"].label)
    assert (found["Agreement"], found["From the primary"]) == ("<0.001", "0.024")


@pytest.mark.parametrize(
    ("reason", "said"),
    [(f"{ENDED}: singular matrix", "not computed"), ("the routes disagree: far", "disagrees")],
)
def test_a_second_route_that_came_to_no_end_does_not_disagree(reason, said):
    """One tells against the estimate, the other of nothing."""
    route = Statistic("second route", nan, visit="m9", contrast="SRT - UC", status="failed", reason=reason)
    table = model_checks_table(rows("primary", Statistic("residual sd", 17.8, visit="m9"), route), TRIAL)
    assert shown(table, TRIAL.primary_analysis.label)["Second route"] == said


def test_where_nothing_was_estimated_no_second_route_is_shown():
    """There is no estimate to be away from."""
    answer = Statistic(
        "adjusted mean difference", nan, visit="m9", contrast="SRT - UC", status="not estimable"
    )
    route = Statistic("second route", nan, status="failed", reason=f"{ENDED}: singular matrix")
    table = model_checks_table(results_frame([answer, route], analysis="primary"), TRIAL)
    assert shown(table, TRIAL.primary_analysis.label)["Second route"] == "–"
