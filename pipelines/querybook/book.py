"""Transactions on the query book, tried again while trouble may pass. Not here: what is written (record, people).

One writer at a time: SQLite by itself, PostgreSQL by an advisory lock.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from data_contracts.errors import Problem, StorageError
from pipelines.querybook import faults
from pipelines.querybook.address import Address, address_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from pipelines.home import Home

T = TypeVar("T")
Work = Callable[["Connection"], T]  # runs again from its start when a try fails: it must bear that

PATIENCE = 180.0  # seconds a night waits for a lock or a server; other programs have held one for 40
A_TRY = 1.0  # seconds of it in which the database itself waits
LONGEST_PAUSE = 2.0  # seconds between two tries
# What turns the tables of each version into those of the next.
STEPS: Mapping[int, Callable[["Connection"], None]] = {}


@dataclass(frozen=True, slots=True)
class Book:
    """The query book at an address."""

    address: Address
    patience: float = PATIENCE  # seconds
    on_wait: Callable[[], None] = lambda: None  # told once a try has failed that may pass

    def read(self, work: "Work[T]") -> T:
        """Return what the work makes of the book, which it does not change.

        Raises:
            StorageError: the book is damaged, or it stayed locked or away.
        """
        return self._again(lambda: self._reading(work))

    def write(self, work: "Work[T]") -> T:
        """Do the work wholly or not at all, while nobody else writes.

        Raises:
            StorageError: the book is damaged, or it stayed locked or away; nothing was changed.
        """
        return self._again(lambda: self._writing(work))

    def exists(self) -> bool:
        """Return whether there is a book to read: a server's counts as one."""
        return self.address.file is None or self.address.file.exists()

    def _reading(self, work: "Work[T]") -> T:
        from sqlalchemy import inspect

        from pipelines.querybook.schema import SCHEMA, versions

        with _engine(self.address).begin() as connection:
            made = inspect(connection).has_table(versions.name)
            if made and _same_schema(connection, self.address) == SCHEMA:
                return work(connection)
        return self._writing(work)

    def _writing(self, work: "Work[T]") -> T:
        if self.address.file is not None:
            _private(self.address)
        with _engine(self.address).execution_options(srt_writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                _take(connection)
            _make_ready(connection, self.address)
            return work(connection)

    def _again(self, attempt: Callable[[], T]) -> T:
        from sqlalchemy.exc import SQLAlchemyError
        from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

        tries = Retrying(
            retry=retry_if_exception(faults.may_pass),
            stop=stop_after_delay(self.patience),
            wait=wait_random_exponential(multiplier=0.05, max=LONGEST_PAUSE),
            before_sleep=lambda state: self.on_wait() if state.attempt_number == 1 else None,
            reraise=True,
        )
        begun = time.monotonic()
        try:
            return tries(attempt)
        except (SQLAlchemyError, *_drivers()) as error:
            waited = time.monotonic() - begun
            raise faults.as_storage_error(error, self.address, _engine(self.address), waited) from None


def open_book(home: "Home", patience: float = PATIENCE) -> Book:
    """Return the query book of a state folder, or of the server SRT_DATABASE_URL names.

    Raises:
        StorageError: SRT_DATABASE_URL names no PostgreSQL database.
    """
    return Book(address_of(home), patience)


def _drivers() -> tuple[type[Exception], ...]:
    """Return the drivers' own errors: those of a connection's first statements reach us as they are."""
    import sqlite3
    import sys

    server = sys.modules.get("psycopg2")
    return (sqlite3.Error, *((server.Error,) if server else ()))


@cache
def _engine(address: Address) -> "Engine":
    """Return what makes connections; none is kept, so that a fork or a restarted server finds none stale."""
    from sqlalchemy import NullPool, create_engine, event

    server = {"connect_timeout": 10, "application_name": "srt"}
    file = {"timeout": A_TRY, "check_same_thread": False}
    engine = create_engine(
        address.url,
        poolclass=NullPool,
        hide_parameters=True,  # values of participants are among them
        connect_args=file if address.file else server,
    )
    if address.file is not None:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
    return engine


def _settle(connection: Any, _: object) -> None:
    """Set up a connection to SQLite: readers don't wait for a writer, and we begin transactions ourselves."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: "Connection") -> None:
    writes = connection.get_execution_options().get("srt_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _private(address: Address) -> None:
    """Make the file for its owner alone; SQLite gives its companions the same mode."""
    if address.file is None or address.file.exists():
        return
    try:
        address.file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(address.file, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        remedy = "Mend the rights or the disk, or set SRT_HOME to another folder."
        problem = Problem(str(address), error.strerror or "an error", "a folder that can be written", remedy)
        raise StorageError("The query book can't be made.", [problem]) from None


def _take(connection: "Connection") -> None:
    """Take PostgreSQL's write lock of the book until the transaction ends."""
    from sqlalchemy import text

    connection.execute(text(f"SET LOCAL lock_timeout = '{int(A_TRY * 1000)}ms'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": faults.WRITE_LOCK})


def _make_ready(connection: "Connection", address: Address) -> None:
    """Make the tables that are not there, and bring older ones up to date."""
    from datetime import UTC, datetime

    from sqlalchemy import inspect

    from pipelines.querybook.schema import SCHEMA, metadata, versions

    if not inspect(connection).has_table(versions.name):
        metadata.create_all(connection)
        connection.execute(versions.insert().values(id=1, schema_version=SCHEMA, made=datetime.now(UTC)))
    for step in range(_same_schema(connection, address), SCHEMA):
        STEPS[step](connection)
        connection.execute(versions.update().values(schema_version=step + 1))


def _same_schema(connection: "Connection", address: Address) -> int:
    """Return the book's schema version.

    Raises:
        StorageError: it is newer than this program.
    """
    from sqlalchemy import select

    from pipelines.querybook.schema import SCHEMA, versions

    found = connection.execute(select(versions.c.schema_version)).scalar_one()
    if found > SCHEMA:
        problem = Problem(str(address), f"version {found}", f"at most {SCHEMA}", "Update this program.")
        raise StorageError("The query book was written by a newer program.", [problem])
    return int(found)
