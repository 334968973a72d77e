"""Dagster's own record on this machine, opened for one run. Not here: running (execution)."""

import io
import logging
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stderr
from functools import partial
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.instance.types import _EventListenerLogHandler

from data_contracts.errors import StorageError
from pipelines import locks
from pipelines.home import Home

DAGSTER_SAYS = "Exception while writing logger call to event log"
NO_TERMINAL_COPY = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


class QuietRecorder(_EventListenerLogHandler):
    """Records events like Dagster's own handler, less its line on stderr when that fails: the error is told."""

    def emit(self, record: logging.LogRecord) -> None:
        """Record an event; what anything else prints meanwhile is passed on."""
        printed = io.StringIO()
        try:
            with redirect_stderr(printed):
                super().emit(record)
        finally:
            for line in printed.getvalue().splitlines(keepends=True):
                if not line.startswith(DAGSTER_SAYS):
                    sys.stderr.write(line)


@contextmanager
def recorded(home: Home, run_id: str) -> Iterator[dg.DagsterInstance]:
    """Open the record, for a run of that id.

    Raises:
        StorageError: the record can't be opened or written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    with ExitStack() as open_until_the_end:
        try:
            files = _databases(home.dagster / "history", run_id)
            there = [file for file in files if file.exists()]
            for file in there:  # first of all: a backup that holds them is waited for here, not by Dagster
                open_until_the_end.enter_context(closing(_open(file)))
            instance = open_until_the_end.enter_context(_instance(home))
            instance.get_event_log_handler = partial(_quiet_recorder, instance)
            for file in _databases(home.dagster / "history", run_id):
                if file not in there:
                    open_until_the_end.enter_context(closing(_open(file)))
            yield instance
        except (dg.DagsterInvalidConfigError, SQLAlchemyError, sqlite3.Error) as error:
            why = str(getattr(error, "orig", None) or error)
            raise StorageError(f"Dagster's record in {home.dagster} can't be used: {why}.") from None


def _quiet_recorder(instance: dg.DagsterInstance) -> QuietRecorder:
    handler = QuietRecorder(instance)
    handler.setLevel(logging.DEBUG)
    return handler


def make_record(home: Home) -> None:
    """Make the record's databases if they aren't there, before several programs try it at once."""
    with _instance(home):
        pass


def _instance(home: Home) -> dg.DagsterInstance:
    ref = InstanceRef.from_dir(str(home.dagster), overrides=NO_TERMINAL_COPY)
    if (home.dagster / "history" / "runs.db").exists():
        return dg.DagsterInstance.from_ref(ref)
    lock = locks.take(
        home.locks, "dagster", wait_seconds=60
    )  # Dagster's own first steps can't be taken twice
    try:
        return dg.DagsterInstance.from_ref(ref)
    finally:
        lock.release()


def _databases(history: Path, run_id: str) -> list[Path]:
    """Return the SQLite files a run writes to; none when the record is kept on a server."""
    runs = history / "runs"
    return [history / "runs.db", runs / "index.db", runs / f"{run_id}.db"] if runs.is_dir() else []


def _open(file: Path) -> sqlite3.Connection:
    # Dagster opens and closes the file for every event, and whoever closes it last has to fold its journal
    # into it. While this connection is open nobody is last: an event costs half as much.
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return connection
