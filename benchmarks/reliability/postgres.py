"""The PostgreSQL server of the query book is restarted, without warning, at a random moment of a run.

The server is Debian's, in a temporary folder, on a free port of this machine, run by an unprivileged user.
"""

import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.reliability import after
from benchmarks.reliability.kills import EFFECTS, references
from benchmarks.reliability.outcome import Outcome, Progress, Tally, not_tried, quiet, timed
from benchmarks.reliability.small_trial import NAME, new_place, status_of, write_exports

SCENARIO = "PostgreSQL restarted amid a run"
SETTINGS = "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"


def run(times: int = 10, seed: int = 5, progress: Progress = quiet) -> Outcome:
    """Restart the server amid runs; each night after must succeed with the same bytes."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        return not_tried(SCENARIO, "PostgreSQL is not installed (`apt-get install postgresql`)")
    rng, tally = random.Random(seed), Tally()
    with timed() as elapsed, started(programs[-1].parent) as server, new_place() as made:
        place = replace(made, more={"SRT_DATABASE_URL": server.url})
        whole, seconds = references(place)
        for turn in range(times):
            delivery = turn % 2
            write_exports(place.home.landing(NAME), EFFECTS[delivery])
            restart = threading.Timer(rng.uniform(0, seconds), server.restart)
            restart.start()
            ended = status_of(place.night())
            restart.join()
            wrong = [*after.unreadable(place), *after.mixed(place, whole)]
            wrong += after.next_night(place, whole[delivery])
            tally.note(f"the night that met it: {ended}", wrong)
            progress(f"{SCENARIO}: {turn + 1} of {times}")
        return tally.outcome(SCENARIO, elapsed())


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ours alone."""

    programs: Path
    folder: Path
    port: int
    password: str
    user: int | None  # to run it as

    @property
    def url(self) -> str:
        """Return its address."""
        return f"postgresql+psycopg2://srt:{self.password}@127.0.0.1:{self.port}/postgres"

    def restart(self) -> None:
        """End it as a crash would, and start it again."""
        self.control("restart", "-m", "immediate")

    def control(self, *what: str) -> None:
        """Start, stop or restart it, and wait until it has."""
        self.call(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "-s", *what
        )

    def call(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs."""
        argv, nothing = [str(self.programs / program), *arguments], subprocess.DEVNULL
        groups: list[int] | None = [] if self.user is not None else None
        subprocess.run(
            argv, cwd=self.folder, env={"LC_ALL": "C"}, stdout=nothing, stderr=nothing, check=True,
            user=self.user, extra_groups=groups,
        )  # fmt: skip


@contextmanager
def started(programs: Path) -> Iterator[Server]:
    """Make a server and run it for as long as the block lasts."""
    with TemporaryDirectory(prefix="srt-postgres-", ignore_cleanup_errors=True) as made:
        user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        folder, password = Path(made), secrets.token_hex(16)
        server = Server(programs, folder, _free_port(), password, user)
        (folder / "password").write_text(password)
        for path in (folder, folder / "password") if user is not None else ():
            shutil.chown(path, user)
        data = folder / "data"
        server.call(
            "initdb", "-D", str(data), "-U", "srt", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"
        )
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=server.port))
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
