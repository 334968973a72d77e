"""What people do to queries: note, answer, close, reopen, assign. Not here: files of answers (answers)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.errors import Problem, RequestError
from data_contracts.query_life import BY_PEOPLE, SETTLED_BY, may, status_after

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from data_contracts.query_life import Status
    from pipelines.querybook.book import Book

Deed = Literal["note", "answer", "close", "reopen", "assign"]
LONGEST = 4000  # characters of a text
ONLY: dict[Deed, str] = {
    "answer": "one that is not resolved",
    "close": "one that is not resolved",
    "reopen": "one that is answered or resolved",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants done to a query; `text` is the note, the answer, the reason or the owner."""

    query_id: str
    deed: Deed
    text: str
    where: str = ""  # in messages: where the wish stands in a file
    key: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Done:
    """What a wish came to."""

    query_id: str
    deed: Deed
    before: "Status"
    after: "Status"


def carry_out(  # noqa: PLR0913
    book: "Book", trial: str, wishes: Sequence[Wish], who: str, time: datetime, *, dry_run: bool = False
) -> tuple[Done, ...]:
    """Do all that is wished, or nothing if anything of it can't be done.

    Args:
        book: The query book.
        trial: The trial's name.
        wishes: At most one per query.
        who: Who wishes it.
        time: When, UTC.
        dry_run: Only tell what would be done.

    Raises:
        RequestError: there is no such query, or it does not stand so that this could be done to it.
        StorageError: the book can't be written; nothing was changed.
    """
    clean = [
        replace(wish, text=cleaned(wish.text), query_id=wish.query_id.strip().lower()) for wish in wishes
    ]

    def work(connection: "Connection") -> tuple[Done, ...]:
        if not dry_run and _are_done(connection, clean):  # by a try whose answer was lost on the way
            return _as_done(connection, clean)
        rows = _rows(connection, trial, clean)
        _refuse_impossible(trial, clean, rows)
        done = tuple(_done(wish, rows[wish.query_id]) for wish in clean)
        if not dry_run:
            for wish, one in zip(clean, done, strict=True):
                _write(connection, rows[wish.query_id], wish, one, cleaned(who), time)
        return done

    return book.read(work) if dry_run else book.write(work)


def cleaned(text: str) -> str:
    """Return a person's text on one line or several, without signs that no database or terminal likes."""
    kept = "".join(sign for sign in text.replace("\r\n", "\n") if sign.isprintable() or sign == "\n")
    return kept.strip()[:LONGEST]


def _rows(connection: "Connection", trial: str, wishes: Sequence[Wish]) -> "Mapping[str, Row[Any]]":
    from sqlalchemy import select

    from pipelines.querybook.record import in_parts
    from pipelines.querybook.schema import queries

    asked = select(queries).where(queries.c.trial == trial)
    return {
        row.query_id: row
        for ids in in_parts([wish.query_id for wish in wishes])
        for row in connection.execute(asked.where(queries.c.query_id.in_(ids)))
    }


def _refuse_impossible(trial: str, wishes: Sequence[Wish], rows: "Mapping[str, Row[Any]]") -> None:
    problems = [p for wish in wishes if (p := _problem(trial, wish, rows.get(wish.query_id))) is not None]
    if problems:
        raise RequestError("Nothing was changed.", problems)


def _problem(trial: str, wish: Wish, row: "Row[Any] | None") -> Problem | None:
    where = wish.where or f"query {wish.query_id}"
    if row is None:
        remedy = f"`srt queries {trial} --status all` lists the queries with their ids."
        return Problem(where, f"no query {wish.query_id} in {trial}", "the id of a query", remedy)
    if wish.deed in BY_PEOPLE and not may(row.status, wish.deed):
        remedy = f"`srt queries history {trial} {wish.query_id}` tells what befell it."
        return Problem(where, f"query {wish.query_id}, which is {row.status}", ONLY[wish.deed], remedy)
    if not wish.text and wish.deed != "reopen":
        return Problem(where, "no text", f"a text: {wish.deed} says something")
    return None


def _done(wish: Wish, row: "Row[Any]") -> Done:
    after = status_after(row.status, wish.deed) if wish.deed in BY_PEOPLE else row.status
    return Done(wish.query_id, wish.deed, row.status, after)


def _write(  # noqa: PLR0913, PLR0917
    connection: "Connection", row: "Row[Any]", wish: Wish, done: Done, who: str, time: datetime
) -> None:
    from pipelines.querybook.schema import queries, query_events

    its = (queries.c.trial == row.trial) & (queries.c.query_id == row.query_id)
    values = {"status": done.after, **_values(connection, row, wish, time)}
    connection.execute(queries.update().where(its).values(values))
    event = {
        "key": wish.key,
        "trial": row.trial,
        "query_id": row.query_id,
        "time": time,
        "who": who,
        "what": wish.deed,
        "from_status": done.before,
        "to_status": done.after,
        "note": wish.text,
        "run_id": "",
    }
    connection.execute(query_events.insert().values(event))


def _values(connection: "Connection", row: "Row[Any]", wish: Wish, time: datetime) -> dict[str, Any]:
    """Return the columns a deed sets beside the status."""
    if wish.deed == "note":
        return {"note": wish.text}
    if wish.deed == "assign":
        return {"owner": wish.text, "assigned": True}
    if wish.deed == "answer":
        return {"answer": wish.text, "answered_in": _last_delivery(connection, row.trial)}
    if wish.deed == "close":
        return {"note": wish.text, "settled_by": SETTLED_BY["close"], "settled_value": row.value_hash}
    return {
        "asked": time,
        "settled_by": "",
        "settled_value": "",
        **({"note": wish.text} if wish.text else {}),
    }


def _last_delivery(connection: "Connection", trial: str) -> str:
    """Return the data hash of the last night: the delivery that was answered on."""
    from sqlalchemy import select

    from pipelines.querybook.schema import nights

    last = select(nights.c.data_hash).where(nights.c.trial == trial).order_by(nights.c.id.desc()).limit(1)
    return connection.execute(last).scalar() or ""


def _are_done(connection: "Connection", wishes: Sequence[Wish]) -> bool:
    from sqlalchemy import select

    from pipelines.querybook.schema import query_events as events

    first = next(iter(wishes), None)
    asked = select(events.c.id).where(events.c.key == (first.key if first else ""))
    return connection.execute(asked).first() is not None


def _as_done(connection: "Connection", wishes: Sequence[Wish]) -> tuple[Done, ...]:
    from sqlalchemy import select

    from pipelines.querybook.schema import query_events as events

    rows = {wish: connection.execute(select(events).where(events.c.key == wish.key)).one() for wish in wishes}
    return tuple(Done(w.query_id, w.deed, r.from_status, r.to_status) for w, r in rows.items())
