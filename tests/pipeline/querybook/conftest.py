"""What the tests of the query book share: nights to keep, and a PostgreSQL server of their own.

The server is Debian's (`apt-get install postgresql`), in a temporary folder, on a free port of the loopback
address, run by an unprivileged user since it refuses root; tests that want it are skipped where it is missing.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from data_contracts.query_life import value_hash
from pipelines.home import Home
from pipelines.querybook.address import address_of, file_address
from pipelines.querybook.book import Book
from pipelines.querybook.night import Night

PASSWORD = "not-to-be-printed"
START = datetime(2026, 3, 1, 2, tzinfo=UTC)
NUMBERS = count()


@dataclass(frozen=True)
class Server:
    """A server that is ours alone."""

    programs: Path
    folder: Path
    port: int
    user: int | None  # to run it as; None: ourselves

    def run(self, program, *arguments):
        """Run one of PostgreSQL's programs."""
        who = {} if self.user is None else {"user": self.user, "extra_groups": []}
        argv = [str(self.programs / program), *map(str, arguments)]
        ended = subprocess.run(
            argv, cwd=self.folder, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}, **who
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def control(self, what, *arguments):
        """Start, stop or restart it, and wait until it has."""
        data, log = self.folder / "data", self.folder / "log"
        # its output must not be our pipe, which would stay open as long as the server lives
        self.run("pg_ctl", "-D", data, "-l", log, "-w", "-s", what, *arguments)

    def new_database(self):
        """Make a database and return its address."""
        import psycopg2

        name = f"srt_{next(NUMBERS)}"
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="srt", password=PASSWORD, dbname="postgres"
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        return f"postgresql+psycopg2://srt:{PASSWORD}@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def server():
    """Start a server; end it after the last test."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: `apt-get install postgresql`")
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="srt_pg_"))
    server = Server(programs[-1].parent, folder, _free_port(), user)
    (folder / "password").write_text(PASSWORD)
    if user is not None:
        for path in (folder, folder / "password"):
            os.chown(path, user, -1)
    server.run(
        "initdb", "-D", folder / "data", "-U", "srt", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}",
        "--encoding=UTF8", "--no-locale",
    )  # fmt: skip
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write(
            f"port = {server.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
            "fsync = off\ntimezone = 'Asia/Kathmandu'\n"  # times must come back as UTC all the same
        )
    try:
        server.control("start")
        yield server
        server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged():
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return pytest.skip("no unprivileged user to run PostgreSQL as")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def book(request, tmp_path, monkeypatch):
    """Return an empty query book, of each kind."""
    if request.param == "sqlite":
        return Book(file_address(tmp_path / "queries.sqlite"), patience=1.5)
    monkeypatch.setenv("SRT_DATABASE_URL", request.getfixturevalue("server").new_database())
    return Book(address_of(Home(tmp_path)), patience=5)


@pytest.fixture
def query():
    """Return what makes a query that a night found."""
    return make_query


@pytest.fixture
def night():
    """Return what makes a night of given queries."""
    return make_night


def make_query(query_id, value="7", form="scores", rule="scores.range.x", dimension="range", **more):
    own = {
        "query_id": query_id,
        "form": form,
        "participant": "P1",
        "visit": "m6",
        "site": "Norfolk",
        "field": "x",
        "value": value,
        "rule": rule,
        "dimension": dimension,
        "severity": "warning",
        "message": "Must hold.",
        "owner": "data manager",
        "row": 3,
        "value_hash": value_hash(query_id, value),
    }
    return {**own, **more}


def make_night(number, *found, sound=("scores",), read=("scores",), rules=("scores.range.x",), **more):
    judged = {
        "form": "scores",
        "dimension": "range",
        "severity": "warning",
        "effect": "query",
        "n_checked": 10,
    }
    facts = {
        "trial": "small",
        "run_id": f"run {number}",
        "time": START + timedelta(days=number),
        "data_hash": f"data {number}",
        "plan_hash": "plan",
        "code_version": "code",
        "withheld": False,
        "overdue_after_days": 14.0,
        "found": {one["query_id"]: one for one in found},
        "rules": tuple({**judged, "rule": rule, "n_failed": len(found)} for rule in rules),
        "forms": ({"form": "scores", "rows_in": 10, "accepted": 9, "quarantined": 1},),
        "plan_rules": frozenset(rules),
        "sound": frozenset(sound),
        "read": frozenset(read),
    }
    return Night(**{**facts, **more})


ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from data_contracts.query_life import value_hash
from pipelines.home import Home
from pipelines.querybook.book import open_book
from pipelines.querybook.night import Night
from pipelines.querybook.people import Wish, carry_out
from pipelines.querybook.record import record_night

START = datetime(2026, 3, 1, tzinfo=UTC)

def night(trial, number, n):
    ids = [f"{trial}-{i}" for i in range(n)]
    found = {
        i: dict(query_id=i, form="f", participant="P", visit="", site="", field="x", value="7", rule="f.x",
                dimension="range", severity="warning", message="m", owner="o", row=1, value_hash=value_hash(i, "7"))
        for i in ids
    }
    return Night(
        trial=trial, run_id=f"run {number}", time=START + timedelta(days=number), data_hash=f"data {number}",
        plan_hash="p", code_version="c", withheld=False, overdue_after_days=14, found=found, rules=(),
        forms=(dict(form="f", rows_in=n, accepted=n, quarantined=0),), plan_rules=frozenset(["f.x"]),
        sound=frozenset(["f"]), read=frozenset(["f"]),
    )

book, task, trial, first, last, n = open_book(Home(Path(sys.argv[1]))), *sys.argv[2:4], *map(int, sys.argv[4:7])
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, last):
    if task == "nights":
        record_night(book, night(trial, number, n))
    else:
        carry_out(book, trial, [Wish(f"{trial}-{number % n}", "note", f"note {number}")], "Ann", START)
print("done", flush=True)
"""


def start_writer(file, task, trial, first, last, *, n=200):
    argv = [sys.executable, "-c", WRITER, str(file.parent), task, trial, *map(str, (first, last, n))]
    return subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_writers(*processes):
    """Let processes that are ready begin together, and return what they said when they ended."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


@pytest.fixture
def start():
    """Return what starts a process that writes to the book: "nights" or "people"."""
    return start_writer


@pytest.fixture
def run():
    """Return what lets such processes begin together and waits for their end."""
    return run_writers
