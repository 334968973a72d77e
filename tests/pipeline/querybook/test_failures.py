"""A query book that can't be used: damaged, locked, away, or nowhere; and who may read its file."""

import os
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data_contracts.errors import StorageError
from pipelines.home import Home
from pipelines.querybook.address import address_of, file_address
from pipelines.querybook.book import Book, open_book
from pipelines.querybook.listing import list_queries
from pipelines.querybook.record import record_night


@pytest.fixture
def book(tmp_path):
    return Book(file_address(tmp_path / "queries.sqlite"), patience=1.5)


def listed(book):
    return list_queries(book, "small", datetime(2026, 4, 1, tzinfo=UTC), 14)


def test_the_file_is_its_owners_alone(book, tmp_path, night, query):
    """It holds values; the umask must not matter."""
    old = os.umask(0)
    try:
        record_night(book, night(0, query("a")))
    finally:
        os.umask(old)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_book_says_what_to_do_and_shows_nothing(book, tmp_path, night, query):
    """A storage error, in words; the file is left for whoever can save it."""
    record_night(book, night(0, query("a", value="secret")))
    file = tmp_path / "queries.sqlite"
    for beside in tmp_path.glob("queries.sqlite-*"):
        beside.unlink()
    content = b"no database at all " * 500
    file.write_bytes(content)
    with pytest.raises(StorageError, match="damaged") as error:
        record_night(book, night(1, query("a", value="secret")))
    assert "back-up" in str(error.value)
    assert "secret" not in str(error.value)
    assert file.read_bytes() == content


def test_a_book_that_cannot_be_made_is_a_storage_error(tmp_path, night):
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't be made"):
        record_night(Book(file_address(tmp_path / "file" / "queries.sqlite"), patience=0.1), night(0))


def test_a_locked_book_names_who_holds_it(book, tmp_path, night, query):
    """The remedy is to end that program; its number is needed."""
    record_night(book, night(0, query("a")))
    holder = sqlite3.connect(tmp_path / "queries.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waits = []
    patient = replace(book, patience=1.5, on_wait=lambda: waits.append(1))
    with pytest.raises(StorageError, match="stayed locked") as error:
        record_night(patient, night(1, query("a")))
    assert f"process {os.getpid()}" in str(error.value)
    assert waits == [1]
    assert len(listed(book)) == 1, "readers don't wait for a writer"
    holder.execute("ROLLBACK")
    holder.close()
    assert record_night(book, night(1, query("a")))


@pytest.mark.parametrize(
    "given",
    ["mysql://u:secret@h/d", "postgresql://u:secret@h", "not an address secret", "sqlite:///secret.db"],
)
def test_an_address_that_names_no_server_is_refused_without_its_password(monkeypatch, tmp_path, given):
    """The variable stands in a unit's service file."""
    monkeypatch.setenv("SRT_DATABASE_URL", given)
    with pytest.raises(StorageError, match="SRT_DATABASE_URL") as error:
        open_book(Home(tmp_path))
    assert "secret" not in str(error.value)


def test_a_server_that_is_away_is_told_without_its_password(monkeypatch, tmp_path, night):
    """Nobody listens on that port."""
    monkeypatch.setenv("SRT_DATABASE_URL", "postgresql://ann:secret@127.0.0.1:1/srt")
    address = address_of(Home(tmp_path))
    assert address.url.drivername == "postgresql+psycopg2"
    assert "secret" not in f"{address} {address!r}"
    with pytest.raises(StorageError, match="can't be reached") as error:
        record_night(Book(address, patience=0.2), night(0))
    assert "secret" not in str(error.value)
    assert "SRT_DATABASE_URL" in str(error.value)
