"""What the validation page is told by the book: nights, trend, what changed since the night before, who is late."""

from datetime import timedelta

import pytest

from data_contracts.load import find_trial, load_trial
from pipelines.querybook.overview import MOST_OVERDUE, overview
from pipelines.querybook.people import Wish, carry_out
from pipelines.querybook.record import record_night

TRIAL = load_trial(find_trial("beat_the_blues")).model_copy(update={"name": "small"})


@pytest.fixture
def told(book):
    """Return what the book tells at a time."""
    return lambda now: overview(book, TRIAL, now).frames


def steps(frames):
    return {one.to_status: one.n for one in frames["changes"].itertuples()}


def test_each_night_is_a_row_with_its_records(book, night, query, told):
    """A night without any query is a night all the same: the trend falls to nought there."""
    first, second = night(0, query("a"), query("b")), night(1)
    for one in (first, second):
        record_night(book, one)
    frames = told(second.time)
    assert frames["nights"]["run_id"].tolist() == ["run 0", "run 1"]
    assert frames["nights"][["accepted", "quarantined"]].to_numpy().tolist() == [[9, 1], [9, 1]]
    assert frames["trend"]["unresolved"].tolist() == [2, 0]
    assert str(frames["nights"]["time"].dtype) == "datetime64[us, UTC]"


def test_what_changed_is_counted_since_the_night_before(book, night, query, told):
    """What befell queries in earlier nights is not news; what people did in between is."""
    record_night(book, night(0, query("a"), query("b")))
    record_night(book, night(1, query("a"), query("b")))
    carry_out(book, "small", [Wish("a", "answer", "asked")], "Ann", night(1).time + timedelta(hours=3))
    last = night(2, query("b"), query("c"))
    record_night(book, last)
    assert steps(told(last.time)) == {"answered": 1, "resolved": 1, "new": 1}


def test_the_same_night_again_tells_the_same(book, night, query, told):
    """A run that is tried again must not make what is new disappear."""
    record_night(book, night(0, query("a")))
    last = night(1, query("a"), query("b"))
    record_night(book, last)
    before = steps(told(last.time))
    record_night(book, night(1, query("a"), query("b"), run_id="run 1 again"))
    assert steps(told(last.time)) == before == {"open": 1, "new": 1}


def test_a_query_is_late_from_the_day_the_plan_says_and_shows_no_value(book, night, query, told):
    """The page may name who is late; what was found stands in the listing alone."""
    one = night(0, query("a", value="secret 42"), query("b", severity="critical"))
    record_night(book, one)
    assert told(one.time + timedelta(days=13))["overdue"].empty
    late = told(one.time + timedelta(days=15))
    assert late["overdue"]["query_id"].tolist() == ["b", "a"], "the gravest first"
    assert late["lives"]["overdue"].tolist() == [1, 1]
    assert not any("secret 42" in frame.to_csv() for frame in late.values())


def test_of_many_late_queries_fifty_are_named_and_all_are_counted(book, night, query, told):
    """The page stays readable on a bad day."""
    one = night(0, *(query(f"q{i:03d}") for i in range(120)))
    record_night(book, one)
    late = told(one.time + timedelta(days=30))
    assert (len(late["overdue"]), late["lives"]["overdue"].sum()) == (MOST_OVERDUE, 120)


def test_another_trials_nights_are_not_told(book, night, query, told):
    """One book serves all trials of a unit."""
    record_night(book, night(0, query("a"), trial="other"))
    frames = told(night(0).time)
    assert all(frame.empty for frame in frames.values())
