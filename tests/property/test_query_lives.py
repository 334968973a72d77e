"""Whatever nights and people do, no query is lost and none takes a step that is not in the table."""

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from data_contracts.errors import RequestError
from data_contracts.query_life import STATUSES, TRANSITIONS, value_hash
from pipelines.querybook.address import file_address
from pipelines.querybook.book import Book
from pipelines.querybook.history import query_counts_of
from pipelines.querybook.listing import list_queries
from pipelines.querybook.night import Night
from pipelines.querybook.people import Wish, carry_out
from pipelines.querybook.record import record_night
from pipelines.querybook.schema import query_events

IDS = ("a", "b", "c")
FORMS = {"a": "one", "b": "one", "c": "two"}
START = datetime(2026, 3, 1, tzinfo=UTC)
DEEDS = st.sampled_from(["note", "answer", "close", "reopen", "assign"])


class Nights(RuleBasedStateMachine):
    """A trial's nights in any order of findings, withheld forms, lost rules, repeats and people's changes."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.book = Book(file_address(Path(self.folder.name) / "queries.sqlite"), patience=5)
        self.time, self.last = START, None
        self.seen, self.kept = set(), 0

    def teardown(self):
        self.folder.cleanup()

    @rule(
        found=st.dictionaries(st.sampled_from(IDS), st.sampled_from(["6", "7"])),
        sound=st.sets(st.sampled_from(["one", "two"])),
        rules=st.sampled_from([frozenset(IDS), frozenset("ab")]),
        data=st.integers(0, 2),
        hours=st.integers(1, 400),
    )
    def a_night(self, found, sound, rules, data, hours):
        """Keep a night; one that is the last one's very repeat is no news."""
        self.time += timedelta(hours=hours)
        found = {i: v for i, v in found.items() if i in rules}
        delivery = f"data {data} {sorted(found.items())} {sorted(sound)} {sorted(rules)}"
        night = self._night(found, sound, rules, delivery)
        news = record_night(self.book, night)
        assert news == (self.last is None or self.last.data_hash != delivery)
        if news:
            self.last, self.kept = night, self.kept + 1
            self.seen |= set(found)

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_same_night_again(self):
        """A killed run is done again: nothing moves."""
        before = self._listing()
        assert not record_night(self.book, self.last)
        assert self._listing() == before

    @rule(query_id=st.sampled_from(IDS), deed=DEEDS)
    def a_person(self, query_id, deed):
        """Do something to a query, which may not be possible."""
        status = self._listing().get(query_id, (None,))[0]
        possible = status is not None and (deed in {"note", "assign"} or (status, deed) in TRANSITIONS)
        wish = [Wish(query_id, deed, "because")]
        if possible:
            carry_out(self.book, "t", wish, "Ann", self.time)
        else:
            with pytest.raises(RequestError):
                carry_out(self.book, "t", wish, "Ann", self.time)

    @invariant()
    def nothing_is_lost_and_every_history_is_a_path(self):
        """Once asked, a query has a status for good, and came to it by steps of the table, without a gap."""
        listing = self._listing()
        assert set(listing) == self.seen
        at = dict.fromkeys(listing, "")
        for event in self._events():
            assert event.from_status == at[event.query_id]
            step = (event.from_status or None, event.what)
            expected = event.from_status if event.what in {"note", "assign"} else TRANSITIONS[step]
            assert event.to_status == expected
            at[event.query_id] = event.to_status
        assert at == {query_id: row[0] for query_id, row in listing.items()}

    @invariant()
    def the_counts_of_each_night_add_up(self):
        """Each query is counted once, under one status."""
        if not self.seen:
            return
        counts = query_counts_of(self.book, "t")
        sums = counts.groupby("run_id")[list(STATUSES)].sum().sum(axis=1)
        assert sums[self.last.run_id] == len(self.seen)
        assert (counts["overdue"] <= counts[["new", "open", "returned"]].sum(axis=1)).all()

    def _events(self):
        asked = query_events.select().order_by(query_events.c.id)
        return self.book.read(lambda connection: connection.execute(asked).all())

    def _listing(self):
        table = list_queries(self.book, "t", self.time, 14)
        columns = ("status", "owner", "answer", "note", "first_seen", "last_seen", "asked", "value")
        return {row["query_id"]: tuple(row[c] for c in columns) for row in table.to_dict("records")}

    def _night(self, found, sound, rules, delivery):
        queries = {
            i: {
                "query_id": i, "form": FORMS[i], "participant": "P", "visit": "", "site": "", "field": "x",
                "value": v, "rule": i, "dimension": "range", "severity": "warning", "message": "Must hold.",
                "owner": "dm", "row": 1, "value_hash": value_hash(i, v),
            }
            for i, v in found.items()
        }  # fmt: skip
        by_form = Counter(FORMS[i] for i in found)
        return Night(
            trial="t", run_id=f"run {self.kept}", time=self.time, data_hash=delivery, plan_hash="p",
            code_version="c", withheld=False, overdue_after_days=14, found=queries, rules=(),
            forms=tuple({"form": f, "rows_in": n, "accepted": n, "quarantined": 0} for f, n in by_form.items()),
            plan_rules=rules, sound=frozenset(sound), read=frozenset({"one", "two"}),
        )  # fmt: skip


Nights.TestCase.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestNights = Nights.TestCase
