"""What a database's error means: will it pass, and what is a person to do? Not here: trying again (book)."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Problem, StorageError
from pipelines.querybook.address import VARIABLE, Address

if TYPE_CHECKING:
    from sqlalchemy import Engine

LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
WAITING = frozenset({"40001", "40P01", "55P03"})  # serialisation, deadlock, lock not available
GONE = ("57P01", "57P02", "57P03", "08")  # shutdown, crash, starting up, connection
# Of what a server or the network says while connecting, what waiting does not mend. All else may pass: the
# words for "I am just starting" are many, and in the server's language.
LASTING = (
    "authentication failed",
    "does not exist",
    "pg_hba.conf",
    "could not translate host name",
    "no password supplied",
    "certificate",
    "SSL",
)
WRITE_LOCK = 0x53525451  # the advisory lock a writer takes in PostgreSQL


def may_pass(error: BaseException) -> bool:
    """Return whether another try may succeed: the book is locked, or its server restarts."""
    return is_lock(error) or is_away(error)


def is_lock(error: BaseException) -> bool:
    """Return whether somebody else holds what was asked for."""
    cause = _cause(error)
    return _sqlite_code(cause) in LOCKED or _state(cause) in WAITING


def is_away(error: BaseException) -> bool:
    """Return whether the connection was lost, or nobody listens yet."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return False
    if getattr(error, "connection_invalidated", False) or _state(cause).startswith(GONE):
        return True
    lost = type(cause).__name__ == "OperationalError" and not _state(cause)
    return lost and not any(words in str(cause) for words in LASTING)


def as_storage_error(error: BaseException, address: Address, engine: "Engine", waited: float) -> StorageError:
    """Return an error of the database as one a person can act on; no statement and no value in it."""
    if is_lock(error):
        return _locked(address, engine, waited)
    if _sqlite_code(_cause(error)) in DAMAGED:
        return _damaged(address)
    if address.file is not None:
        return _unusable_file(address, _cause(error))
    return _unusable_server(address, error)


def _locked(address: Address, engine: "Engine", waited: float) -> StorageError:
    held = holders(address, engine) or "another program, which could not be made out"
    remedy = "End that program or let it finish, then run again; nothing was changed."
    problem = Problem(str(address), f"held by {held}", "a query book that nobody holds for so long", remedy)
    return StorageError(f"The query book stayed locked for {waited:.0f} seconds.", [problem])


def _damaged(address: Address) -> StorageError:
    remedy = (
        "Move the file (and those beside it that end in -wal and -shm) away and put a back-up in its place, "
        "or save what can be saved with `sqlite3 FILE .recover`. Without either the next run begins a new "
        "book: every query is asked again, answers and notes are lost."
    )
    return StorageError(
        "The query book is damaged.", [Problem(str(address), "no sound SQLite file", "one", remedy)]
    )


def _unusable_file(address: Address, cause: BaseException) -> StorageError:
    remedy = "Mend the rights or the disk, then run again; `srt doctor` looks at both."
    problem = Problem(str(address), _plain(cause), "a database that can be written", remedy)
    return StorageError("The query book can't be used.", [problem])


def _unusable_server(address: Address, error: BaseException) -> StorageError:
    remedy = f"Start the server, or mend {VARIABLE}, then run again; nothing was changed."
    cause = _cause(error)
    found = _plain(cause) if is_away(error) or not _state(cause) else f"error {_state(cause)} of the server"
    problem = Problem(str(address), found, "a server that answers and lets us write", remedy)
    return StorageError("The query book can't be reached.", [problem])


def holders(address: Address, engine: "Engine") -> str:
    """Return who holds the book's write lock, as far as the system tells; "" when it does not."""
    try:
        return _file_holders(address.file) if address.file else _server_holders(engine)
    except Exception:  # noqa: BLE001  this only adornes another error's message
        return ""


def _file_holders(file: Path) -> str:
    """Return the processes that hold write locks on the file or its companions (Linux: /proc/locks)."""
    named = [Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm")]
    inodes = {str(path.stat().st_ino) for path in named if path.exists()}
    found = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    held = {p[4] for p in found if p[1] != "->" and p[3] == "WRITE" and p[5].split(":")[-1] in inodes}
    return ", ".join(f"process {pid}{_program(pid)}" for pid in sorted(held, key=int))


def _program(pid: str) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f" ({name})"


def _server_holders(engine: "Engine") -> str:
    from sqlalchemy import text

    asked = text(
        "SELECT a.pid, a.application_name, a.usename FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.objid = :key AND l.granted"
    )
    with engine.connect() as connection:
        rows = connection.execute(asked, {"key": WRITE_LOCK}).all()
    return ", ".join(f"server process {pid} ({name or 'no name'}, user {user})" for pid, name, user in rows)


def _cause(error: BaseException) -> BaseException:
    """Return the driver's own error."""
    return getattr(error, "orig", None) or error


def _state(cause: BaseException) -> str:
    return str(getattr(cause, "pgcode", None) or "")


def _sqlite_code(cause: BaseException) -> int:
    code: Any = getattr(cause, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(cause, sqlite3.Error) and code is not None else -1


def _plain(cause: BaseException) -> str:
    """Return what a driver says of a file or a connection; of anything else, which may quote a value, its kind."""
    if isinstance(cause, sqlite3.OperationalError) or type(cause).__name__ == "OperationalError":
        return str(cause).strip().splitlines()[0] if str(cause).strip() else "no connection"
    return type(cause).__name__
