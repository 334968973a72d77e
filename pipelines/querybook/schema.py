"""The query book's tables. Not here: reading and writing them (night, changes, listing, history).

All times are UTC. Values as found stand in `queries.value` and nowhere else.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

SCHEMA = 1  # raise it with every change of a table, and add the step to `book.STEPS`


class Utc(TypeDecorator[datetime]):
    """A time with its zone, also where the database keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time with UTC as its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()


def _text(name: str, **options: object) -> Column[str]:
    return Column(name, Text, nullable=False, default="", **options)  # type: ignore[arg-type]


versions = Table(  # one row
    "srt_query_book",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schema_version", Integer, nullable=False),
    Column("made", Utc, nullable=False),
)
queries = Table(
    "srt_queries",
    metadata,
    Column("trial", Text, primary_key=True),
    Column("query_id", Text, primary_key=True),
    _text("form"),
    Column("row", Integer),
    _text("participant"),
    _text("visit"),
    _text("site"),
    _text("field"),
    _text("value"),  # as found, for the listing
    _text("value_hash"),
    _text("rule"),
    _text("dimension"),
    _text("severity"),
    _text("message"),
    _text("owner"),
    Column("assigned", Boolean, nullable=False, default=False),  # the owner is a person's choice
    _text("status"),
    Column("asked", Utc, nullable=False),  # when it was last put to the site
    Column("first_seen", Utc, nullable=False),
    _text("first_run"),
    Column("last_seen", Utc, nullable=False),
    _text("last_run"),
    _text("answer"),
    _text("answered_in"),
    _text("note"),
    _text("settled_by"),
    _text("settled_value"),
    Index("srt_queries_by_status", "trial", "status"),
)
query_events = Table(
    "srt_query_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # the same change, tried twice, is kept once
    _text("trial"),
    _text("query_id"),
    Column("time", Utc, nullable=False),
    _text("who"),
    _text("what"),
    _text("from_status"),
    _text("to_status"),
    _text("note"),
    _text("run_id"),
    Index("srt_query_events_by_query", "trial", "query_id"),
)
nights = Table(
    "srt_nights",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("trial"),
    _text("run_id"),
    Column("time", Utc, nullable=False),
    _text("data_hash"),
    _text("plan_hash"),
    _text("code_version"),
    _text("verdict_hash"),
    Column("withheld", Boolean, nullable=False),
    Column("overdue_after_days", Float, nullable=False),
    UniqueConstraint("trial", "run_id", "data_hash", "plan_hash", "verdict_hash"),
)
night_rules = Table(
    "srt_night_rules",
    metadata,
    Column("night", Integer, ForeignKey("srt_nights.id"), primary_key=True),
    Column("rule", Text, primary_key=True),
    _text("form"),
    _text("dimension"),
    _text("severity"),
    _text("effect"),
    Column("n_failed", Integer, nullable=False),
    Column("n_checked", Integer, nullable=False),
)
night_forms = Table(
    "srt_night_forms",
    metadata,
    Column("night", Integer, ForeignKey("srt_nights.id"), primary_key=True),
    Column("form", Text, primary_key=True),
    Column("rows_in", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
)
night_queries = Table(  # how all the trial's queries stood when the night had been recorded
    "srt_night_queries",
    metadata,
    Column("night", Integer, ForeignKey("srt_nights.id"), primary_key=True),
    Column("form", Text, primary_key=True),
    Column("severity", Text, primary_key=True),
    *(
        Column(name, Integer, nullable=False)
        for name in ("new", "open", "answered", "returned", "resolved", "overdue")
    ),
)
