"""What a table must be; each mistake has a message that says where, what was found, what was expected."""
# ruff: noqa: E501  a row per mistake reads best

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.imputation import (
    ImputationError,
    ancova,
    approximate_bayes,
    arranged,
    bayes,
    leave_units_out,
    resample_units,
)

SPEC = importlib.util.spec_from_file_location("trial_to_impute", Path(__file__).with_name("trial.py"))
TRIAL = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRIAL)
ROLES, frame, model = TRIAL.ROLES, TRIAL.frame, TRIAL.model


def refused(table, roles=ROLES):
    """Return all that is wrong with a table."""
    with pytest.raises(ImputationError) as caught:
        arranged(table, roles)
    return "\n".join(map(str, caught.value.refusals))


def where(table, column, value, rows):
    """Return the table with a value in some rows."""
    changed = table.copy()
    changed[column] = changed[column].astype(object)
    changed.loc[rows, column] = value
    return changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="base"), "column base: found no such column"),
        (lambda t: t.assign(hours="many"), "column hours: found text, expected numbers"),
        (lambda t: t.assign(hours=t["hours"].mask(t.index == 3, np.inf)), "column hours, record 4: found an infinite value"),
        (lambda t: where(t, "arm", None, [0]), "column arm, record 1: found no value"),
        (lambda t: where(t, "visit", None, [0, 1]), "column visit, record 1, 2: found no value"),
        (lambda t: t.assign(arm="UC"), "found one arm, expected two or more"),
        (lambda t: t.assign(arm=t["arm"].replace("UC", "TAU")), "'UC', which no participant is in, expected one of the arms"),
        (lambda t: t[t["visit"] == "3"], "column visit: found one visit"),
        (lambda t: pd.concat([t, t.iloc[[5]]], ignore_index=True), "found 1 participant with more than one row at a visit"),
        (lambda t: where(t, "arm", "UC", [3]), "column arm: found 1 participant for whom it changes"),
        (lambda t: t.assign(base=t["base"].mask(t["id"] == "004")), "column base: found 1 participant with none at any visit"),
        (lambda t: t.assign(base=t["base"].mask(t.index == 4, 9.0)), "column base: found 1 participant for whom it changes"),
        (lambda t: t.assign(hours=t["hours"].mask(t["arm"] == "SRT")), "arm SRT: found no outcome at any visit"),
        (
            lambda t: t.assign(hours=t["hours"].mask((t["arm"] == "SRT") & (t["visit"] == "15"))),
            "arm SRT, visit 15: found no outcome",
        ),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_meant_is_refused_with_its_reason(change, says):
    assert says in refused(change(frame()))


def test_no_refusal_holds_a_participants_name_or_value():
    told = refused(frame().assign(base=lambda t: t["base"].mask(t["id"] == "004")))
    assert "004" not in told


def test_a_covariate_known_at_one_visit_is_known_at_all():
    """Rows of dropouts are absent, and baseline may stand in the first row only."""
    whole = frame()
    bare = whole.assign(base=whole["base"].where(whole["visit"] == "3")).dropna(
        subset=["hours", "base"], how="all"
    )
    one, other = arranged(whole, ROLES), arranged(bare, ROLES)
    np.testing.assert_array_equal(one.y, other.y)
    pd.testing.assert_frame_equal(one.cells, other.cells)


def test_the_outcome_is_no_covariate():
    assert "covariates: found the outcome 'hours'" in refused(frame(), replace(ROLES, covariates=["hours"]))


def test_a_term_that_cannot_be_read_is_refused():
    with pytest.raises(ImputationError, match="can't be read"):
        arranged(frame(), replace(ROLES, covariates=["base*"]))


@pytest.mark.parametrize(
    ("cluster", "says"),
    [
        ("all", "cluster all: found one cluster"),
        ("visit", "column visit: found 24 participants for whom it changes"),
    ],
)
def test_a_cluster_must_split_the_participants(cluster, says):
    assert says in refused(frame().assign(all="x"), replace(ROLES, cluster=cluster))


@pytest.mark.parametrize(
    "route",
    [
        lambda base, m: approximate_bayes(base, m=m, seed=1),
        lambda base, m: bayes(base, m=m, seed=1),
        lambda base, m: resample_units(base, samples=m, seed=1),
    ],
)
@pytest.mark.parametrize("m", [1, 0])
def test_one_imputation_is_too_few(route, m):
    with pytest.raises(ImputationError, match=f"m: found {m}, expected at least 2"):
        route(model(), m)


def test_gibbs_draws_an_unstructured_covariance_only():
    with pytest.raises(ImputationError, match="covariance ar1h, expected us"):
        bayes(model(roles=replace(ROLES, covariance="ar1h")), m=5, seed=1)


def test_the_last_mean_of_who_was_never_seen_is_refused():
    table = frame()
    never = table.assign(hours=table["hours"].mask(table["id"] == "003"))
    with pytest.raises(
        ImputationError, match="strategy lmcf: found participants whose event is at the first visit"
    ):
        leave_units_out(model("lmcf", never))


def test_a_level_nobody_with_outcomes_has_is_refused():
    """A site whose only participant was never seen has no coefficient to impute them by."""
    table = frame()
    alone = table.assign(
        site=np.where(table["id"] == "003", "far", "near"), hours=table["hours"].mask(table["id"] == "003")
    )
    with pytest.raises(
        ImputationError, match="column site: found 1 participant with a level that no observed"
    ):
        model("j2r", alone, replace(ROLES, covariates=["base*visit", "site"]))


def test_a_covariate_that_is_the_arm_leaves_nothing_to_compare():
    table = frame().assign(treated=lambda t: (t["arm"] == "SRT").astype(float))
    outcomes = arranged(table, replace(ROLES, analysis_covariates=["treated"]))
    with pytest.raises(ImputationError, match="The arms can't be told from the covariates"):
        ancova(outcomes)


def test_a_refit_without_an_answer_is_counted_not_hidden():
    """Without its only participant who was seen, a site's coefficient is lost, and one who stays needs it."""
    table = frame()
    far = table["id"].isin(["003", "004"])
    alone = table.assign(site=np.where(far, "far", "near"), hours=table["hours"].mask(table["id"] == "004"))
    alone.loc[alone["id"] == "003", "hours"] = [10.0, 12.0, 11.0]
    sets = leave_units_out(model("j2r", alone, replace(ROLES, covariates=["base*visit", "site"])))
    assert (~sets.is_found).sum() == 1
    assert sets.pooled(ancova(sets.completed.outcomes)).n_failed == 1
    assert "1 of 24 refits without a unit have no estimates" in sets.notes[0]
