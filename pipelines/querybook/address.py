"""Which database holds the query book: a file of the state folder, or a server. Not here: talking to it (book)."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import Problem, StorageError

if TYPE_CHECKING:
    from sqlalchemy import URL

    from pipelines.home import Home

VARIABLE = "SRT_DATABASE_URL"
EXAMPLE = "postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE"
SERVER = ("postgresql", "postgres", "postgresql+psycopg2")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the book is; its text holds no password."""

    url: "URL"
    file: Path | None = None  # SQLite's

    def __str__(self) -> str:
        """Return the place as a message may name it."""
        if self.file is not None:
            return str(self.file)
        host = self.url.host or self.url.query.get("host", "this machine")
        return f"PostgreSQL database {self.url.database} on {host}"

    def __repr__(self) -> str:
        """Return the same: whatever prints the object prints no password."""
        return f"Address({self})"


def address_of(home: "Home") -> Address:
    """Return the address SRT_DATABASE_URL names, else the state folder's own file.

    Raises:
        StorageError: the variable names no PostgreSQL database.
    """
    given = os.environ.get(VARIABLE, "").strip()
    return _server(given) if given else file_address(home.database)


def file_address(file: Path) -> Address:
    """Return the address of a SQLite file."""
    from sqlalchemy import URL

    return Address(URL.create("sqlite", database=str(file)), file)


def _server(given: str) -> Address:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # their text may quote the password
        raise _unusable("a text that is no address") from None
    if url.drivername not in SERVER:
        raise _unusable(f"an address that begins with {url.drivername}")
    if not url.database:
        raise _unusable("an address without a database")
    return Address(url.set(drivername="postgresql+psycopg2"))


def _unusable(found: str) -> StorageError:
    remedy = "Mend the variable, or unset it: the query book is then a file of the state folder."
    return StorageError("The query book has no usable address.", [Problem(VARIABLE, found, EXAMPLE, remedy)])
