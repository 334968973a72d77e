"""Queries out of the book as a table, with how long they have waited. Not here: showing it (cli.queries)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data_contracts.query_life import LIFE_COLUMNS, is_overdue
from data_contracts.rules import QUERY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.querybook.book import Book

SEVERITIES = ("critical", "warning", "info")
COLUMNS = (*QUERY_COLUMNS, *LIFE_COLUMNS)
TYPES = {
    "row": "Int64",
    "first_seen": "datetime64[s, UTC]",
    "last_seen": "datetime64[s, UTC]",
    "age_days": "int64",
    "overdue": "bool",
}
ORDER = ("severity", "form", "rule", "site", "participant", "visit", "field", "query_id")


def list_queries(book: "Book", trial: str, now: datetime, overdue_after_days: float) -> "pd.DataFrame":
    """Return all queries of a trial, the gravest first.

    Args:
        book: The query book.
        trial: The trial's name.
        now: The time, UTC.
        overdue_after_days: How long a query may wait for its answer.

    Returns:
        (n, COLUMNS) also `asked`, `first_run` and `last_run`.

    Raises:
        StorageError: the book can't be read.
    """
    from sqlalchemy import select

    from pipelines.querybook.schema import queries

    rows = book.read(lambda c: c.execute(select(queries).where(queries.c.trial == trial)).all())
    table = as_table([dict(row._mapping) for row in rows], now, overdue_after_days)  # noqa: SLF001
    grave = table["severity"].map({name: rank for rank, name in enumerate(SEVERITIES)})
    return (
        table.assign(severity_rank=grave)
        .sort_values(["severity_rank", *ORDER], ignore_index=True)
        .drop(columns="severity_rank")
    )


def with_lives(
    found: "pd.DataFrame", book: "Book", trial: str, now: datetime, overdue_after_days: float
) -> "pd.DataFrame":
    """Return a night's queries, in their order, with the life each has by now.

    Returns:
        (n, COLUMNS).
    """
    lives = list_queries(book, trial, now, overdue_after_days).set_index("query_id")
    of_life = [name for name in LIFE_COLUMNS if name != "site"]
    known = lives.reindex(found["query_id"])[["owner", *of_life]].set_axis(found.index)
    return found.drop(columns="owner").join(known)[list(COLUMNS)].astype(TYPES)


def as_table(rows: Sequence[Mapping[str, Any]], now: datetime, overdue_after_days: float) -> "pd.DataFrame":
    """Return rows of the book as a table with age and delay."""
    import pandas as pd

    more = ("asked", "first_run", "last_run")
    records = [
        {**row, "age_days": _age(row, now), "overdue": _late(row, now, overdue_after_days)} for row in rows
    ]
    table = pd.DataFrame(records, columns=[*COLUMNS, *more])
    kinds = {name: TYPES.get(name, "str") for name in table} | {"asked": "datetime64[s, UTC]"}
    return table.astype(kinds)


def _age(row: Mapping[str, Any], now: datetime) -> int:
    return max(0, (now - row["asked"]).days)


def _late(row: Mapping[str, Any], now: datetime, after_days: float) -> bool:
    return is_overdue(row["status"], row["asked"], now, after_days)
