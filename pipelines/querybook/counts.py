"""How many queries stand how, by form and severity. Not here: the queries themselves (listing)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from data_contracts.query_life import STATUSES, UNRESOLVED, WAITING

if TYPE_CHECKING:
    from sqlalchemy import Connection


def standing(
    connection: "Connection", trial: str, now: datetime, overdue_after_days: float
) -> list[dict[str, Any]]:
    """Return a row per form and severity: how many queries have each status, and how many are overdue."""
    from sqlalchemy import case, func, select

    from pipelines.querybook.schema import queries

    late = queries.c.status.in_(WAITING) & (queries.c.asked < now - timedelta(days=overdue_after_days))
    counted = {name: queries.c.status == name for name in STATUSES} | {"overdue": late}
    columns = [func.sum(case((which, 1), else_=0)).label(name) for name, which in counted.items()]
    by = (queries.c.form, queries.c.severity)
    asked = select(*by, *columns).where(queries.c.trial == trial).group_by(*by).order_by(*by)
    return [dict(row._mapping) for row in connection.execute(asked)]  # noqa: SLF001  its public name


def with_waits(
    connection: "Connection", trial: str, now: datetime, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of `standing` with `oldest_days`: since when the oldest query waits, in whole days, or None."""
    from sqlalchemy import func, select

    from pipelines.querybook.schema import queries

    by = (queries.c.form, queries.c.severity)
    asked = select(*by, func.min(queries.c.asked)).group_by(*by)
    waiting = asked.where(queries.c.trial == trial, queries.c.status.in_(WAITING))
    days = {(form, severity): (now - first).days for form, severity, first in connection.execute(waiting)}
    return [{**row, "oldest_days": days.get((row["form"], row["severity"]))} for row in rows]


def totals(rows: list[dict[str, Any]]) -> Mapping[str, int]:
    """Return how many queries a trial has: unresolved (`open`) in all, and among them new and overdue; resolved."""
    of = {name: sum(int(row[name]) for row in rows) for name in (*STATUSES, "overdue")}
    return {
        "open": sum(of[name] for name in UNRESOLVED),
        **{name: of[name] for name in ("new", "answered", "returned", "resolved", "overdue")},
    }
