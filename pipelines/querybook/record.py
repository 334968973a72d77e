"""Write a night into the book: what became of each query, and the counts. Not here: the steps (query_life)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_contracts.query_life import (
    SETTLED_BY,
    UNRESOLVED,
    Life,
    absence_event,
    night_event,
    status_after,
)
from pipelines.querybook.counts import standing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Table

    from data_contracts.query_life import Event, Status
    from pipelines.querybook.book import Book
    from pipelines.querybook.night import Night

KEY = ("trial", "query_id")
AT_ONCE = 500  # ids in one statement; databases limit it
SAME = ("data_hash", "plan_hash", "code_version", "verdict_hash")
VALUE_CHANGED = "the value was changed, and is still asked about"
SAID = {
    "found": "found in the data",
    "not found": "no longer found in the data",
    "rule removed": "its rule is no longer in the plan",
}


@dataclass(slots=True)
class Changes:
    """The rows a night adds and alters."""

    new: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


def record_night(book: "Book", night: "Night") -> bool:
    """Keep a night, and return whether it was news.

    The same delivery judged again by the same plan and program, with the same verdict, changes nothing; nor
    does the same run again.

    Raises:
        StorageError: the book can't be written; nothing was changed.
    """
    return book.write(lambda connection: _record(connection, night))


def _record(connection: "Connection", night: "Night") -> bool:
    if is_known(connection, night):
        return False
    _apply(connection, _changes(connection, night))
    _keep_counts(connection, night)
    return True


def is_known(connection: "Connection", night: "Night") -> bool:
    """Return whether this run, or a run on the same data with the same plan and program before it, is kept."""
    from sqlalchemy import select

    from pipelines.querybook.schema import nights

    mine = select(nights).where(nights.c.trial == night.trial)
    last = connection.execute(mine.order_by(nights.c.id.desc()).limit(1)).first()
    if last is None:
        return False
    if all(getattr(last, name) == getattr(night, name) for name in SAME):
        return True
    same_run = mine.where(
        nights.c.run_id == night.run_id,
        nights.c.data_hash == night.data_hash,
        nights.c.plan_hash == night.plan_hash,
        nights.c.verdict_hash == night.verdict_hash,
    )
    return connection.execute(same_run).first() is not None


def _changes(connection: "Connection", night: "Night") -> Changes:
    changes = Changes()
    known = _known(connection, night)
    for query_id, found in night.found.items():
        _note_found(changes, night, found, known.get(query_id))
    for query_id, row in known.items():
        if query_id not in night.found:
            _note_absent(changes, night, row)
    return changes


def _known(connection: "Connection", night: "Night") -> "Mapping[str, Row[Any]]":
    """Return the queries that are not resolved, and those found, by id."""
    from sqlalchemy import select

    from pipelines.querybook.schema import queries

    asked = select(queries).where(queries.c.trial == night.trial)
    rows = {r.query_id: r for r in connection.execute(asked.where(queries.c.status.in_(UNRESOLVED)))}
    for ids in in_parts([one for one in night.found if one not in rows]):
        rows |= {r.query_id: r for r in connection.execute(asked.where(queries.c.query_id.in_(ids)))}
    return rows


def in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids in lots that one statement can name."""
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _note_found(changes: Changes, night: "Night", found: Mapping[str, Any], row: "Row[Any] | None") -> None:
    """Note a query that this night's data raise."""
    event = night_event(_life(row), found["value_hash"], night.data_hash)
    before: Status | None = None if row is None else row.status
    status = status_after(before, event)
    seen = {**found, "status": status, "last_seen": night.time, "last_run": night.run_id}
    if row is None:
        changes.new.append(_first(night, seen))
    else:
        changes.seen.append(_again(night, seen, row, returns=status == "returned" != before))
    if status != before:
        changes.events.append(_event(night, found["query_id"], event, before, status, SAID["found"]))
    elif row is not None and row.value_hash != found["value_hash"]:
        changes.events.append(_event(night, row.query_id, "found", before, status, VALUE_CHANGED))


def _life(row: "Row[Any] | None") -> Life | None:
    return None if row is None else Life(row.status, row.settled_by, row.settled_value, row.answered_in)


def _first(night: "Night", seen: dict[str, Any]) -> dict[str, Any]:
    from pipelines.querybook.schema import queries

    blank = {c.name: "" for c in queries.columns if c.default is not None and c.name != "assigned"}
    first = {"asked": night.time, "first_seen": night.time, "first_run": night.run_id, "assigned": False}
    return {**blank, **first, **seen, "trial": night.trial}


def _again(night: "Night", seen: dict[str, Any], row: "Row[Any]", *, returns: bool) -> dict[str, Any]:
    """Return a known query as this night saw it: an owner whom a person chose stays, a return is asked anew."""
    return {
        **seen,
        "trial": night.trial,
        "owner": row.owner if row.assigned else seen["owner"],
        "asked": night.time if returns else row.asked,
        "settled_by": "" if returns else row.settled_by,
        "settled_value": "" if returns else row.settled_value,
    }


def _note_absent(changes: Changes, night: "Night", row: "Row[Any]") -> None:
    """Note an unresolved query that this night's data do not raise."""
    judged = night.is_judged(row.form, row.dimension)
    event = absence_event(row.rule in night.plan_rules, judged)
    if event is None or row.status not in UNRESOLVED:
        return
    status = status_after(row.status, event)
    key = {"trial": night.trial, "query_id": row.query_id}
    changes.settled.append({**key, "status": status, "settled_by": SETTLED_BY[event], "settled_value": ""})
    changes.events.append(_event(night, row.query_id, event, row.status, status, SAID[event]))


def _event(  # noqa: PLR0913, PLR0917 - the columns of an event
    night: "Night", query_id: str, event: "Event", before: "Status | None", after: "Status", note: str
) -> dict[str, Any]:
    return {
        "key": f"{night.trial}/{query_id}/{night.run_id}"
        f"/{night.data_hash}/{night.plan_hash}/{night.verdict_hash}",
        "trial": night.trial,
        "query_id": query_id,
        "time": night.time,
        "who": SETTLED_BY.get(event, "the data"),
        "what": event,
        "from_status": before or "",
        "to_status": after,
        "note": note,
        "run_id": night.run_id,
    }


def _apply(connection: "Connection", changes: Changes) -> None:
    from pipelines.querybook.schema import queries, query_events

    _insert(connection, queries, changes.new)
    _update(connection, changes.seen)
    _update(connection, changes.settled)
    _insert(connection, query_events, changes.events)


def _insert(connection: "Connection", table: "Table", rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), [dict(row) for row in rows])


def _update(connection: "Connection", rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the columns of queries that are known; every row has the same ones."""
    from sqlalchemy import bindparam

    from pipelines.querybook.schema import queries

    if not rows:
        return
    matched = [queries.c[name] == bindparam(f"its_{name}") for name in KEY]
    columns = {name: bindparam(f"new_{name}") for name in rows[0] if name not in KEY}
    names = {name: f"{'its' if name in KEY else 'new'}_{name}" for name in rows[0]}
    connection.execute(
        queries.update().where(*matched).values(columns),
        [{names[name]: value for name, value in row.items()} for row in rows],
    )


def _keep_counts(connection: "Connection", night: "Night") -> None:
    from pipelines.querybook import schema

    about = {c.name: getattr(night, c.name) for c in schema.nights.columns if c.name != "id"}
    (number,) = connection.execute(schema.nights.insert().values(about)).inserted_primary_key or (None,)
    stood = standing(connection, night.trial, night.time, night.overdue_after_days)
    tables = {
        schema.night_rules: night.rules,
        schema.night_forms: night.forms,
        schema.night_queries: stood,
    }
    for table, rows in tables.items():
        _insert(connection, table, [{"night": number, **row} for row in rows])
