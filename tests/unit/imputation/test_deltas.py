"""Deltas by hand, their grid and the tipping point."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.imputation import (
    Delta,
    ImputationError,
    Roles,
    ancova,
    approximate_bayes,
    arranged,
    delta_grid,
    delta_matrix,
    leave_units_out,
    listed_events,
    tipping_points,
)

SPEC = importlib.util.spec_from_file_location("trial_to_impute", Path(__file__).with_name("trial.py"))
TRIAL = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRIAL)
frame, model = TRIAL.frame, TRIAL.model

FOUR = ("1", "2", "3", "4")


def four_visits(event, missing):
    """Two arms of four participants; the first participant has an event and misses visits."""
    rows = [
        (f"p{k}", "T" if k < 4 else "U", visit, float(k + int(visit) ** 2))
        for k in range(8)
        for visit in FOUR
    ]
    table = pd.DataFrame(rows, columns=["id", "arm", "visit", "y"])
    gone = table["id"].eq("p0") & table["visit"].isin(missing)
    outcomes = arranged(table.assign(y=table["y"].mask(gone)), Roles("y", "id", "visit", "arm", "U"))
    return outcomes, listed_events(outcomes, pd.DataFrame({"participant": ["p0"], "visit": [event]}))


@pytest.mark.parametrize(
    ("event", "delta", "lag", "expected"),
    [
        ("2", (5, 6, 7, 8), (1, 2, 3, 4), (0, 6, 20, 44)),
        ("3", (5, 6, 7, 8), (1, 2, 3, 4), (0, 0, 7, 23)),
        ("1", (5, 5, 5, 5), (1, 0, 0, 0), (5, 5, 5, 5)),
        ("3", (0, 4, 1, 3), (3, 3, 3, 3), (0, 0, 3, 12)),
    ],
)
def test_delta_times_lag_accumulates_since_the_event(event, delta, lag, expected):
    """Worked examples of the scheme that rbmi documents: delta by visit, lag by visits since the event."""
    outcomes, events = four_visits(event, [v for v in FOUR if v >= event])
    added = delta_matrix(outcomes, events, Delta({"T": delta}, lag))
    np.testing.assert_array_equal(added[0], expected)
    assert not added[1:].any()


def test_only_imputed_values_are_shifted():
    """What was observed after the event stays, and does not stop the delta from growing."""
    outcomes, events = four_visits("2", ["2", "4"])
    added = delta_matrix(outcomes, events, Delta({"T": 1.0}, (1, 1, 1, 1)))
    np.testing.assert_array_equal(added[0], [0, 1, 0, 3])


def test_gaps_before_the_event_are_shifted_only_if_asked():
    outcomes, events = four_visits("4", ["2", "4"])
    np.testing.assert_array_equal(delta_matrix(outcomes, events, Delta({"T": 2.0}))[0], [0, 0, 0, 2])
    np.testing.assert_array_equal(
        delta_matrix(outcomes, events, Delta({"T": 2.0}, gaps=True))[0], [0, 2, 0, 2]
    )


@pytest.mark.parametrize(
    ("delta", "says"),
    [
        (Delta({"X": 1.0}), "the arm 'X'"),
        (Delta({"T": (1.0, 2.0)}), "1 or 4 finite numbers"),
        (Delta({"T": float("nan")}), "1 or 4 finite numbers"),
        (Delta({"T": 1.0}, (1.0,)), "lag of delta"),
    ],
)
def test_a_delta_that_means_nothing_is_refused(delta, says):
    outcomes, events = four_visits("2", ["2"])
    with pytest.raises(ImputationError, match=says):
        delta_matrix(outcomes, events, delta)


@pytest.mark.parametrize("route", [leave_units_out, lambda base: approximate_bayes(base, m=20, seed=1)])
def test_estimates_are_linear_in_the_delta_and_zero_changes_nothing(route):
    """The imputations are reused: three deltas lie on a line to rounding."""
    base = model()
    sets, analyse = route(base), ancova(base.outcomes)
    grid = delta_grid(sets, base.events, analyse, {"SRT": [0.0, 1.0, 3.0]})
    table = grid.pivot_table(index="visit", columns="delta_SRT", values="estimate")
    np.testing.assert_allclose(table[3.0] - table[0.0], 3 * (table[1.0] - table[0.0]), atol=1e-10)
    plain = sets.pooled(analyse).contrasts.set_index("visit")["estimate"]
    np.testing.assert_array_equal(table[0.0].loc[plain.index], plain)


def significant():
    """The same trial with an effect that is beyond doubt."""
    table = frame(40)
    return model("mar", table.assign(hours=table["hours"] + 8.0 * (table["arm"] == "SRT")))


@pytest.mark.parametrize("route", [leave_units_out, lambda base: approximate_bayes(base, m=50, seed=1)])
def test_at_the_tipping_point_p_is_alpha_and_before_it_less(route):
    base = significant()
    sets, analyse = route(base), ancova(base.outcomes)
    points = {one.visit: one for one in tipping_points(sets, base.events, analyse, "SRT")}
    point = points["15"]
    assert point.delta < 0  # towards no effect
    for share, is_significant in ((0.99, True), (1.0, None), (1.01, False)):
        grid = delta_grid(sets, base.events, analyse, {"SRT": [share * point.delta]})
        p = grid[grid["visit"] == "15"]["p"].iloc[0]
        assert p == pytest.approx(0.05, abs=1e-8) if is_significant is None else (p < 0.05) == is_significant
    assert points["3"].reason == "nothing that a delta changes is imputed"


def test_a_contrast_that_is_not_significant_has_no_tipping_point():
    base = model()
    points = tipping_points(leave_units_out(base), base.events, ancova(base.outcomes), "SRT")
    assert {point.reason for point in points} == {"not significant without a delta"}
    assert all(np.isnan(point.delta) for point in points)


def test_deltas_of_the_other_arm_move_the_tipping_point():
    base = significant()
    sets, analyse = leave_units_out(base), ancova(base.outcomes)
    plain, moved = (
        tipping_points(sets, base.events, analyse, "SRT", besides=besides)[-1].delta
        for besides in ({}, {"UC": -3.0})
    )
    assert moved < plain  # usual care worse: more is needed to take the difference away
