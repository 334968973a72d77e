"""The query book, and Dagster's record, on a real PostgreSQL server: restarts, locks, passwords."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from data_contracts.errors import StorageError
from pipelines.home import Home
from pipelines.querybook.address import address_of
from pipelines.querybook.book import Book
from pipelines.querybook.faults import WRITE_LOCK
from pipelines.querybook.history import query_counts_of, volumes_of
from pipelines.querybook.record import record_night

ROOT = Path(__file__).parents[3]
PASSWORD = "not-to-be-printed"
pytestmark = pytest.mark.postgres


@pytest.fixture
def book(server, tmp_path, monkeypatch):
    """Return an empty query book on the server."""
    monkeypatch.setenv("SRT_DATABASE_URL", server.new_database())
    return Book(address_of(Home(tmp_path)), patience=60)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_restarts_amid_nights_loses_none(book, server, tmp_path, start, mode):
    """Twice, in an orderly way or as after a crash: the writer reconnects, and each night is kept once."""
    writer = start(tmp_path / "queries.sqlite", "nights", "a", 0, 25, n=300)
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("\n")
    writer.stdin.flush()
    for _ in range(2):
        time.sleep(0.7)
        server.control("restart", "-m", mode)
    assert writer.communicate(timeout=120)[0] == "done\n"
    assert list(volumes_of(book, "a")["run_id"]) == [f"run {number}" for number in range(25)]
    assert list(query_counts_of(book, "a")["open"]) == [0] + [300] * 24


def test_a_server_that_stops_between_two_statements_is_waited_for(book, server, night, query):
    """The transaction begun before is lost as a whole, and done again as a whole."""
    record_night(book, night(0, query("a")))
    stops = []

    def work(connection):
        connection.execute(text("INSERT INTO srt_night_forms VALUES (1, 'other', 1, 1, 0)"))
        if not stops:
            stops.append(server.control("restart", "-m", "immediate"))
        return connection.execute(text("SELECT count(*) FROM srt_night_forms")).scalar_one()

    assert book.write(work) == 2
    assert len(volumes_of(book, "small")) == 2


def test_a_lock_that_stays_names_the_server_process_that_holds_it(book, night, query):
    """As with a file: somebody has to end that session."""
    record_night(book, night(0, query("a")))
    impatient = Book(book.address, patience=1.5)

    def hold(connection):
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        assert connection.execute(
            text("SELECT count(*) FROM pg_locks WHERE objid = :k"), {"k": WRITE_LOCK}
        ).scalar_one()
        with pytest.raises(StorageError, match="stayed locked") as error:
            record_night(impatient, night(1, query("a")))
        return pid, str(error.value)

    pid, said = book.write(hold)
    assert f"server process {pid} (srt, user srt)" in said
    assert PASSWORD not in said


def test_a_stopped_server_is_a_storage_error_without_its_password(book, server, night, query):
    """The night fails at that hop, and the next redoes it."""
    record_night(book, night(0, query("a")))
    server.control("stop", "-m", "fast")
    try:
        with pytest.raises(StorageError, match="can't be reached") as error:
            record_night(Book(book.address, patience=0.5), night(1, query("a")))
    finally:
        server.control("start")
    assert PASSWORD not in str(error.value)
    assert "SRT_DATABASE_URL" in str(error.value)
    assert record_night(book, night(1, query("a")))


def test_a_wrong_password_is_told_at_once(book, night):
    """Time does not mend it."""
    url = book.address.url.set(password="wrong-one")
    begun = time.monotonic()
    with pytest.raises(StorageError, match="can't be reached") as error:
        record_night(Book(type(book.address)(url), patience=60), night(0))
    assert time.monotonic() - begun < 30
    assert "wrong-one" not in str(error.value)


@pytest.mark.slow
def test_a_run_keeps_queries_and_dagsters_record_on_the_server(server, tmp_path):
    """With the settings of docs/postgresql.md, word for word; no output tells the password."""
    page = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")
    storage = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
    home = Home(tmp_path).ready()
    settings = home.dagster / "dagster.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n" + storage, encoding="utf-8")
    env = {
        **os.environ,
        "SRT_HOME": str(tmp_path),
        "SRT_DATABASE_URL": server.new_database(),
        "SRT_DAGSTER_DATABASE_URL": server.new_database(),
    }
    argv = [sys.executable, "-m", "pipelines.cli", "check", "demo", "--json"]
    ended = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["queries"]["new"] == told["queries"]["total"] > 0
    assert not (home.dagster / "history").exists()
    assert not home.database.exists()
    argv = [sys.executable, "-m", "pipelines.cli", "queries", "demo"]
    listed = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert f"{told['queries']['total']} queries of" in listed.stdout
    written = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    for output in (ended.stdout, ended.stderr, listed.stdout, listed.stderr):
        assert PASSWORD not in output
    assert not any(PASSWORD.encode() in content for content in written)
