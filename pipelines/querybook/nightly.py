"""What the night asks of the book, in one step. Not here: the book's transactions (book), its rows (record)."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from data_contracts.tables import Tables

if TYPE_CHECKING:
    from data_contracts.rules import Verdict
    from data_contracts.spec import Trial
    from pipelines.querybook.book import Book


def keep_night(
    book: "Book", trial: "Trial", verdict: "Verdict", facts: Mapping[str, str], time: datetime
) -> Tables:
    """Keep a verdict and return its queries with the lives they have by now.

    Args:
        book: The query book.
        trial: The trial.
        verdict: The verdict; its queries have a column `site`.
        facts: `run_id`, `data_hash`, `plan_hash` and `code_version`.
        time: When, UTC.

    Returns:
        The table `queries` (n, listing.COLUMNS), and the facts `lives` and `standing`: how all the trial's queries
        stand, in all and by form and severity.

    Raises:
        StorageError: the book can't be written; nothing was changed.
    """
    from pipelines.querybook.counts import standing, totals, with_waits
    from pipelines.querybook.listing import with_lives
    from pipelines.querybook.night import night_of
    from pipelines.querybook.record import record_night

    night, days = night_of(trial, verdict, facts, time), trial.queries.overdue_after_days
    record_night(book, night)
    queries = with_lives(verdict.queries, book, trial.name, time, days)
    stood = book.read(
        lambda connection: with_waits(
            connection, trial.name, time, standing(connection, trial.name, time, days)
        )
    )
    return Tables({"queries": queries}, {"lives": dict(totals(stood)), "standing": stood})
