"""What the validation page asks of the book: counts over the nights, and who is late. Not here: showing it.

No value as found is asked for.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from data_contracts.query_life import STATUSES, UNRESOLVED, WAITING
from data_contracts.tables import Tables

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection, Select

    from data_contracts.spec import Trial
    from pipelines.querybook.book import Book

MOST_OVERDUE = 50
LATE = ("query_id", "form", "field", "rule", "site", "participant", "visit", "severity", "status", "owner")


def overview(book: "Book", trial: "Trial", now: datetime) -> Tables:
    """Return how a trial's queries stand and how they came to.

    Args:
        book: The query book.
        trial: The trial.
        now: The time, UTC.

    Returns:
        `nights`, oldest first: time, run_id, data_hash, plan_hash, code_version, withheld, accepted, quarantined.
        `trend`: time, severity, unresolved. `lives`: form, rule, severity, a column per status, overdue.
        `changes` since the night before the last: form, rule, to_status, n. `overdue`, the gravest first and at
        most 50: query_id, form, field, rule, site, participant, visit, severity, status, owner, asked.

    Raises:
        StorageError: the book can't be read.
    """

    def ask(connection: "Connection") -> "dict[str, pd.DataFrame]":
        nights = _table(connection, _nights(trial.name))
        since = nights["time"].iloc[-2].to_pydatetime() if len(nights) > 1 else None
        asked = {
            "trend": _trend(trial.name),
            "lives": _lives(trial.name, now - timedelta(days=trial.queries.overdue_after_days)),
            "changes": _changes(trial.name, since),
            "overdue": _overdue(trial.name, now - timedelta(days=trial.queries.overdue_after_days)),
        }
        return {"nights": nights, **{name: _table(connection, query) for name, query in asked.items()}}

    return Tables(book.read(ask))


def _nights(trial: str) -> "Select[Any]":
    from sqlalchemy import func, select

    from pipelines.querybook.schema import night_forms, nights

    about = ("time", "run_id", "data_hash", "plan_hash", "code_version", "withheld")
    records = [
        func.coalesce(func.sum(night_forms.c[name]), 0).label(name) for name in ("accepted", "quarantined")
    ]
    joined = select(*(nights.c[name] for name in about), *records).outerjoin_from(nights, night_forms)
    return joined.where(nights.c.trial == trial).group_by(nights.c.id).order_by(nights.c.id)


def _trend(trial: str) -> "Select[Any]":
    from sqlalchemy import func, select

    from pipelines.querybook.schema import night_queries, nights

    waiting = sum((night_queries.c[name] for name in UNRESOLVED[1:]), night_queries.c[UNRESOLVED[0]])
    counted = select(nights.c.time, night_queries.c.severity, func.sum(waiting).label("unresolved"))
    joined = counted.join_from(nights, night_queries).where(nights.c.trial == trial)
    return joined.group_by(nights.c.id, nights.c.time, night_queries.c.severity).order_by(nights.c.id)


def _lives(trial: str, before: datetime) -> "Select[Any]":
    from sqlalchemy import case, func, select

    from pipelines.querybook.schema import queries

    late = queries.c.status.in_(WAITING) & (queries.c.asked < before)
    which = {name: queries.c.status == name for name in STATUSES} | {"overdue": late}
    counts = [func.sum(case((true, 1), else_=0)).label(name) for name, true in which.items()]
    by = (queries.c.form, queries.c.rule, queries.c.severity)
    said = (func.max(queries.c.message).label("message"), func.max(queries.c.owner).label("owner"))
    return select(*by, *said, *counts).where(queries.c.trial == trial).group_by(*by).order_by(*by)


def _changes(trial: str, since: datetime | None) -> "Select[Any]":
    from sqlalchemy import and_, distinct, func, select

    from pipelines.querybook.schema import queries
    from pipelines.querybook.schema import query_events as events

    by = (queries.c.form, queries.c.rule, events.c.to_status)
    same = and_(queries.c.trial == events.c.trial, queries.c.query_id == events.c.query_id)
    counted = select(*by, func.count(distinct(events.c.query_id)).label("n")).join_from(events, queries, same)
    told = counted.where(events.c.trial == trial, events.c.from_status != events.c.to_status)
    return (told if since is None else told.where(events.c.time > since)).group_by(*by)


def _overdue(trial: str, before: datetime) -> "Select[Any]":
    from sqlalchemy import case, select

    from pipelines.querybook.schema import queries

    grave = case({"critical": 0, "warning": 1}, value=queries.c.severity, else_=2)
    late = queries.c.status.in_(WAITING) & (queries.c.asked < before)
    columns = [queries.c[name] for name in (*LATE, "asked")]
    listed = select(*columns).where(queries.c.trial == trial, late)
    return listed.order_by(grave, queries.c.asked, queries.c.query_id).limit(MOST_OVERDUE)


TIMES: tuple[str, ...] = ("time", "asked")


def _table(connection: "Connection", asked: "Select[Any]") -> "pd.DataFrame":
    """Return what a query gives as a table; times are UTC also where there is no row."""
    import pandas as pd

    answer = connection.execute(asked)
    columns = list(answer.keys())
    frame = pd.DataFrame([tuple(row) for row in answer], columns=columns)
    return frame.astype({name: "datetime64[us, UTC]" for name in TIMES if name in columns})
