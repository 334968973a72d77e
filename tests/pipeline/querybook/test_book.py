"""The query book on SQLite and PostgreSQL: nights, people, and what neither may do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from data_contracts.errors import RequestError, StorageError
from pipelines.querybook import book as books
from pipelines.querybook.history import events_of, nights_of, query_counts_of, volumes_of
from pipelines.querybook.listing import list_queries, with_lives
from pipelines.querybook.people import Wish, carry_out
from pipelines.querybook.record import record_night
from pipelines.querybook.schema import metadata, versions

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 2, tzinfo=UTC)


def listed(book, day=100):
    return list_queries(book, "small", START + day * DAY, 14).set_index("query_id")


def status(book, query_id):
    return listed(book).loc[query_id, "status"]


def path(book, query_id):
    events = events_of(book, "small", query_id)
    return list(zip(events["what"], events["to_status"], strict=True))


def do(book, query_id, deed, text="because", day=50):
    return carry_out(book, "small", [Wish(query_id, deed, text)], "Ann", START + day * DAY)


def test_a_query_is_new_then_open_then_resolved_then_returned(book, night, query):
    """The life of most."""
    for number, found in enumerate([["a"], ["a"], ["a"], [], ["a"], ["a"]]):
        assert record_night(book, night(number, *map(query, found)))
    assert path(book, "a") == [
        ("found", "new"), ("found", "open"), ("not found", "resolved"), ("found", "returned"),
    ]  # fmt: skip
    row = listed(book).loc["a"]
    assert (row["first_seen"], row["last_seen"]) == (START, START + 5 * DAY)
    assert (row["first_run"], row["last_run"]) == ("run 0", "run 5")
    assert set(events_of(book, "small", "a")["who"]) == {"the data"}


def test_the_same_delivery_judged_again_changes_nothing(book, night, query):
    """A night that was killed is done again; one that is forced is judged twice."""
    record_night(book, night(0, query("a")))
    before = dump(book)
    assert not record_night(book, night(0, query("a")))
    assert not record_night(book, replace(night(0, query("a")), run_id="another", time=START + DAY))
    assert dump(book) == before
    assert record_night(book, replace(night(0, query("a")), run_id="r2", plan_hash="another plan"))
    assert record_night(book, replace(night(0, query("a")), run_id="r3", code_version="another program"))


def test_the_same_delivery_with_another_verdict_is_news(book, night, query):
    """A rule may look at the day: a date that lies in the future today does not tomorrow."""
    record_night(book, night(0, query("a")))
    assert record_night(book, replace(night(0, query("b")), run_id="run 1"))
    assert (status(book, "a"), status(book, "b")) == ("resolved", "new")
    assert record_night(book, replace(night(0, query("a")), run_id="run 1"))
    assert (status(book, "a"), status(book, "b")) == ("returned", "resolved")


def test_an_older_run_that_is_repeated_after_a_newer_one_is_not_kept_twice(book, night, query):
    """A retry of yesterday's run must not undo today's."""
    record_night(book, night(0, query("a")))
    record_night(book, night(1))
    assert not record_night(book, night(0, query("a")))
    assert status(book, "a") == "resolved"


def dump(book):
    def work(connection):
        return [connection.execute(table.select()).all() for table in metadata.sorted_tables]

    return book.read(work)


def test_a_withheld_form_settles_nothing(book, night, query):
    """Its queries are not answered by not being asked."""
    record_night(book, night(0, query("a")))
    record_night(book, night(1, sound=(), withheld=True))
    assert status(book, "a") == "new"
    record_night(book, night(2, sound=(), read=()))
    assert status(book, "a") == "new"
    record_night(book, night(3))
    assert status(book, "a") == "resolved"


def test_a_question_about_another_form_waits_for_that_form(book, night, query):
    """A registration that was refused tomorrow would settle every question about the unregistered."""
    record_night(book, night(0, query("a", dimension="reference")))
    record_night(book, night(1, read=("scores", "participants")))
    assert status(book, "a") == "new"
    record_night(book, night(2, sound=("scores", "participants"), read=("scores", "participants")))
    assert status(book, "a") == "resolved"


def test_a_rule_that_left_the_plan_closes_its_queries_and_says_so(book, night, query):
    """Whoever looks for them finds why."""
    record_night(book, night(0, query("a")))
    record_night(book, night(1, rules=("scores.other",), sound=()))
    assert status(book, "a") == "resolved"
    last = events_of(book, "small", "a").iloc[-1]
    assert (last["who"], last["note"]) == ("the plan", "its rule is no longer in the plan")


def test_an_answer_waits_for_the_next_delivery_and_is_returned_by_it(book, night, query):
    """The same delivery, judged by a new plan, says nothing of the answer."""
    record_night(book, night(0, query("a")))
    do(book, "a", "answer")
    record_night(book, replace(night(1, query("a")), data_hash="data 0", plan_hash="plan 2"))
    assert status(book, "a") == "answered"
    record_night(book, night(2, query("a")))
    assert status(book, "a") == "returned"


def test_what_a_person_closed_stays_closed_while_the_value_stays(book, night, query):
    """An accepted value must not be asked about every night; another wrong one must."""
    record_night(book, night(0, query("a")))
    do(book, "a", "close")
    record_night(book, night(1, query("a")))
    record_night(book, night(2))
    record_night(book, night(3, query("a")))
    assert status(book, "a") == "resolved"
    record_night(book, night(4, query("a", value="8")))
    assert status(book, "a") == "returned"
    assert listed(book).loc["a", "value"] == "8"
    record_night(book, night(5, query("a", value="7")))
    assert status(book, "a") == "returned", "the closing ended with the return"


def test_another_wrong_value_is_noted_without_being_shown(book, night, query):
    """Somebody tried, and the query is still right."""
    record_night(book, night(0, query("a", value="secret one")))
    record_night(book, night(1, query("a", value="secret one")))
    record_night(book, night(2, query("a", value="secret two")))
    notes = list(events_of(book, "small", "a")["note"])
    assert "changed" in notes[-1]
    assert not any("secret" in note for note in notes)


def test_an_owner_whom_a_person_chose_stays(book, night, query):
    """The plan's owner is only the first."""
    record_night(book, night(0, query("a"), query("b")))
    do(book, "a", "assign", "Bob")
    record_night(book, night(1, query("a"), query("b", owner="trial manager")))
    assert dict(listed(book)["owner"]) == {"a": "Bob", "b": "trial manager"}


def test_days_and_delay_count_from_when_it_was_last_asked(book, night, query):
    """A query that comes back has a fresh term; one that was answered has none."""
    record_night(book, night(0, query("a"), query("b")))
    assert not listed(book, day=14)["overdue"].any()
    late = listed(book, day=15)
    assert late["overdue"].all()
    assert list(late["age_days"]) == [15, 15]
    do(book, "b", "answer")
    assert dict(listed(book, day=60)["overdue"]) == {"a": True, "b": False}
    record_night(book, night(70, query("a"), query("b")))
    assert dict(listed(book, day=71)["overdue"]) == {"a": True, "b": False}
    assert listed(book, day=71).loc["b", "age_days"] == 1
    do(book, "a", "answer", day=72)
    do(book, "a", "reopen", day=73)
    assert listed(book, day=74).loc["a", "age_days"] == 1


@pytest.mark.parametrize(
    ("steps", "deed"),
    [(["close"], "answer"), (["close"], "close"), ([], "reopen")],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(book, steps, deed, night, query):
    """To answer what is settled would hide the answer."""
    record_night(book, night(0, query("a")))
    for step in steps:
        do(book, "a", step)
    before = dump(book)
    with pytest.raises(RequestError, match="query a, which is"):
        do(book, "a", deed)
    assert dump(book) == before


def test_one_impossible_wish_stops_all(book, night, query):
    """Half a file of answers would have to be sorted out by hand."""
    record_night(book, night(0, query("a"), query("b")))
    before = dump(book)
    wishes = [Wish("a", "answer", "x"), Wish("nope", "answer", "x"), Wish("b", "reopen", "x")]
    with pytest.raises(RequestError) as error:
        carry_out(book, "small", wishes, "Ann", START)
    assert len(error.value.problems) == 2
    assert dump(book) == before
    assert carry_out(book, "small", wishes[:1], "Ann", START, dry_run=True)[0].after == "answered"
    assert dump(book) == before


def test_a_change_whose_receipt_was_lost_is_not_made_twice(book, night, query):
    """A connection that breaks at the commit leaves open whether it happened: the try is repeated."""
    record_night(book, night(0, query("a")))
    wish = Wish("a", "note", "once")
    for _ in range(2):
        assert carry_out(book, "small", [wish], "Ann", START)[0].after == "new"
    assert list(events_of(book, "small", "a")["note"]).count("once") == 1


def test_texts_with_bad_signs_are_kept_without_them(book, night, query):
    """PostgreSQL takes no NUL, and a terminal obeys an escape."""
    record_night(book, night(0, query("a")))
    do(book, "a", "note", "one\x00\x1b[31m two\nthree")
    assert listed(book).loc["a", "note"] == "one[31m two\nthree"


def test_each_night_counts_rules_records_and_queries(book, night, query):
    """The trend of the validation report is drawn from these."""
    record_night(book, night(0, query("a"), query("b", severity="critical")))
    record_night(book, night(20, query("a")))
    assert list(nights_of(book, "small")["n_failed"]) == [2, 1]
    assert list(volumes_of(book, "small")["quarantined"]) == [1, 1]
    counts = query_counts_of(book, "small").set_index(["run_id", "severity"])
    assert counts.loc[("run 0", "warning"), ["new", "overdue"]].tolist() == [1, 0]
    assert counts.loc[("run 20", "warning"), ["open", "overdue"]].tolist() == [1, 1]
    assert counts.loc[("run 20", "critical"), ["new", "resolved"]].tolist() == [0, 1]
    assert str(counts["time"].dtype) == "datetime64[s, UTC]"
    assert nights_of(book, "other").empty


def test_trials_keep_apart(book, night, query):
    """One book serves a unit."""
    record_night(book, night(0, query("a")))
    record_night(book, replace(night(1), trial="other"))
    assert status(book, "a") == "new"
    with pytest.raises(RequestError, match="no query a in other"):
        carry_out(book, "other", [Wish("a", "note", "x")], "Ann", START)


def test_a_nights_queries_come_back_in_order_with_their_lives(book, night, query):
    """What the report reads; a query a person closed is among them, for the data have it still."""
    found = [query("b"), query("a", row=None)]
    record_night(book, night(0, *found))
    do(book, "a", "close", "fine as it is")
    frame = pd.DataFrame(found).drop(columns="value_hash").astype({"row": "Int64"})
    lived = with_lives(frame, book, "small", START + DAY, 14)
    assert list(lived["query_id"]) == ["b", "a"]
    assert list(lived["status"]) == ["new", "resolved"]
    assert list(lived["note"]) == ["", "fine as it is"]
    assert lived["row"].isna().tolist() == [False, True]
    assert with_lives(frame.head(0), book, "small", START, 14).empty


def test_an_error_in_the_midst_undoes_all(book, monkeypatch, night, query):
    """Queries without their night, or a night without its queries, would be believed."""
    from pipelines.querybook import record

    record_night(book, night(0, query("a")))
    before = dump(book)

    def broken(*_):
        raise OSError("no space")

    monkeypatch.setattr(record, "_keep_counts", broken)
    with pytest.raises(OSError, match="no space"):
        record_night(book, night(1, query("b")))
    assert dump(book) == before


def test_a_newer_books_schema_is_refused(book, night, query):
    """An older program would write what the newer one can't read."""
    record_night(book, night(0, query("a")))
    book.write(lambda connection: connection.execute(versions.update().values(schema_version=99)))
    for act in (lambda: record_night(book, night(1)), lambda: listed(book)):
        with pytest.raises(StorageError, match="newer program"):
            act()


def test_an_older_books_schema_is_brought_up_to_date(book, monkeypatch, night, query):
    """A unit updates the program and keeps its answers."""
    record_night(book, night(0, query("a")))
    book.write(lambda connection: connection.execute(versions.update().values(schema_version=0)))
    steps = []
    monkeypatch.setitem(books.STEPS, 0, lambda _: steps.append(0))
    assert len(listed(book)) == 1
    assert len(listed(book)) == 1
    assert steps == [0]
