"""The nights the book has kept, and what befell a query. Not here: drawing them (the validation report)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Select, Table

    from pipelines.querybook.book import Book

OF_A_NIGHT = ("time", "run_id", "data_hash", "withheld")


def nights_of(book: "Book", trial: str) -> "pd.DataFrame":
    """Return a row per night and rule, oldest first.

    Returns:
        (n, 10) time (UTC), run_id, data_hash, withheld, rule, form, dimension, severity, effect, n_failed, n_checked.

    Raises:
        StorageError: the book can't be read.
    """
    from pipelines.querybook.schema import night_rules

    return _frame(book, _by_night(night_rules, trial))


def volumes_of(book: "Book", trial: str) -> "pd.DataFrame":
    """Return a row per night and form, oldest first: records in, accepted, set aside.

    Returns:
        (n, 8) time, run_id, data_hash, withheld, form, rows_in, accepted, quarantined.

    Raises:
        StorageError: the book can't be read.
    """
    from pipelines.querybook.schema import night_forms

    return _frame(book, _by_night(night_forms, trial))


def query_counts_of(book: "Book", trial: str) -> "pd.DataFrame":
    """Return a row per night, form and severity, oldest first: how all queries of the trial stood after it.

    Returns:
        (n, 12) time, run_id, data_hash, withheld, form, severity, new, open, answered, returned, resolved, overdue.

    Raises:
        StorageError: the book can't be read.
    """
    from pipelines.querybook.schema import night_queries

    return _frame(book, _by_night(night_queries, trial))


def events_of(book: "Book", trial: str, query_id: str) -> "pd.DataFrame":
    """Return what befell a query, oldest first.

    Returns:
        (n, 7) time, who, what, from_status, to_status, note, run_id.

    Raises:
        StorageError: the book can't be read.
    """
    from sqlalchemy import select

    from pipelines.querybook.schema import query_events as events

    columns = ("time", "who", "what", "from_status", "to_status", "note", "run_id")
    asked = select(*(events.c[name] for name in columns))
    return _frame(
        book, asked.where(events.c.trial == trial, events.c.query_id == query_id).order_by(events.c.id)
    )


def _by_night(table: "Table", trial: str) -> "Select":
    from sqlalchemy import select

    from pipelines.querybook.schema import nights

    own = [column for column in table.columns if column.name != "night"]
    about = [nights.c[name] for name in OF_A_NIGHT]
    joined = select(*about, *own).join_from(nights, table, table.c.night == nights.c.id)
    return joined.where(nights.c.trial == trial).order_by(nights.c.id, *list(table.primary_key)[1:])


def _frame(book: "Book", asked: "Select") -> "pd.DataFrame":
    """Return what a query gives as a table; times are UTC also where there is no row."""
    import pandas as pd

    def ask(connection):  # noqa: ANN001, ANN202
        answer = connection.execute(asked)
        return list(answer.keys()), [tuple(row) for row in answer]

    columns, rows = book.read(ask)
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"time": "datetime64[s, UTC]"})
