"""Rows looked up once for a whole report are the rows a plain filter finds."""

import pytest

from analysis.reporting import estimates as held
from analysis.reporting.estimates import estimates, first, looked_up_once
from analysis.results import Statistic, results_frame

QUESTIONS = (
    {},
    {"analysis": "a"},
    {"analysis": "a", "statistic": "count", "visit": "m9"},
    {"statistic": "count"},
    {"analysis": "unheard of"},
    {"analysis": "a", "contrast": "SRT - UC"},
    {"role": "descriptive"},
)


@pytest.fixture(scope="module")
def results():
    import pandas as pd

    rows = [
        Statistic(statistic, float(i), visit=visit, contrast=contrast, n=i)
        for i, (statistic, visit, contrast) in enumerate(
            (s, v, c) for s in ("count", "mean") for v in ("m9", "m15", "") for c in ("", "SRT - UC")
        )
    ]
    parts = [
        results_frame(rows, analysis=name, role=role)
        for name, role in (("a", "descriptive"), ("b", "primary"))
    ]
    return pd.concat([*parts, parts[0]])  # an index that repeats, rows of one analysis apart


@pytest.mark.parametrize("where", QUESTIONS, ids=str)
def test_the_same_rows_in_the_same_order(results, where):
    """The speed must not change a number."""
    plain = [repr(one) for one in estimates(results, **where)]
    with looked_up_once():
        assert [repr(one) for one in estimates(results, **where)] == plain
        assert [repr(one) for one in estimates(results, **where)] == plain, "and again"


def test_two_tables_are_told_apart(results):
    """The open report is made of a table of its own."""
    other = results[results["analysis"] == "b"]
    with looked_up_once():
        assert first(results, statistic="count").analysis == "a"
        assert first(other, statistic="count").analysis == "b"
        assert first(other, analysis="a") is None


def test_nothing_is_kept_when_the_report_is_made(results):
    """A table may be changed between two reports."""
    with looked_up_once():
        list(estimates(results))
    assert held._LOOKED_UP.get() is None
    changed = results.assign(analysis="c")
    assert first(changed, analysis="a") is None
