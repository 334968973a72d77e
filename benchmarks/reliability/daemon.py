"""Under Dagster's own daemon: a run's process is killed, or the daemon and all that is its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.reliability import after
from benchmarks.reliability.kills import EFFECTS
from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, Place, new_place, reference, write_exports
from pipelines.home import PROJECT

WORKER = "kill -9 of a run's process under the daemon"
CRASH = "kill -9 of the daemon, its servers and its run; then a new start"
PATIENCE = 420.0  # seconds for any one thing to be seen: a minute's poll, a minute's sensor, a run
PID = re.compile(r"pid: (\d+)")
RETRY_OF = "dagster/parent_run_id"


def run_worker(progress: Progress = quiet) -> Outcome:
    """Kill the process of a run; the daemon must fail it, and do the night again."""
    return _staged(WORKER, _kill_worker, progress)


def run_crash(progress: Progress = quiet) -> Outcome:
    """Kill everything amid a run and start again; the run must end as failed, and the night be done again."""
    return _staged(CRASH, _kill_everything, progress)


def _staged(scenario: str, accident: Callable[[Place, Path, ExitStack], str], progress: Progress) -> Outcome:
    tally = Tally()
    with timed() as elapsed, new_place() as place, ExitStack() as until_the_end:
        _yearly(place)
        expected = _expected(place)
        write_exports(place.home.landing(NAME), EFFECTS[1])
        log = place.root / "daemon.log"
        killed = accident(place, log, until_the_end)
        progress(f"{scenario}: killed")
        wrong = [*after.unreadable(place), *_made_good(place, log, killed, expected)]
        tally.note("ended as failed, told, done again by itself", wrong)
        return tally.outcome(scenario, elapsed())


def _yearly(place: Place) -> None:
    """Let only the delivery start a run: a night would hide whether it is done again."""
    file = place.root / "trials" / f"{NAME}.toml"
    file.write_text(file.read_text().replace("30 1 * * *", "0 0 1 1 *"))


def _expected(place: Place) -> dict[str, str]:
    write_exports(place.home.landing(NAME), EFFECTS[1])
    expected = reference(place)
    write_exports(place.home.landing(NAME), EFFECTS[0])
    reference(place)
    return expected


@contextmanager
def daemon(place: Place, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon in a process group of its own, and end the whole group."""
    program = str(Path(sys.executable).parent / "dagster-daemon")
    argv = [program, "run", "-w", str(PROJECT / "workspace.yaml")]
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, cwd=PROJECT, env=place.environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, end)
                process.wait(timeout=20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def _kill_worker(place: Place, log: Path, until_the_end: ExitStack) -> str:
    until_the_end.enter_context(daemon(place, log))
    run_id, pid = _under_way(place)
    os.kill(pid, signal.SIGKILL)
    return run_id


def _kill_everything(place: Place, log: Path, until_the_end: ExitStack) -> str:
    with daemon(place, log) as first:
        run_id, pid = _under_way(place)
        os.killpg(first.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):  # where it has a group of its own
            os.kill(pid, signal.SIGKILL)
    until_the_end.enter_context(daemon(place, log))
    return run_id


def _under_way(place: Place) -> tuple[str, int]:
    """Wait for a run of the daemon's that is amid its hops, and return it and its process."""

    def look(instance: dg.DagsterInstance) -> tuple[str, int] | None:
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            logs = instance.all_logs(run.run_id)
            amid = any(e.dagster_event and e.dagster_event.is_step_start for e in logs)
            pids = [m.group(1) for e in logs if (m := PID.search(e.user_message or ""))]
            if amid and pids:
                return run.run_id, int(pids[-1])
        return None

    return _seen(place, "a run under way", look, pause=0.05)


def _made_good(place: Place, log: Path, killed: str, expected: dict[str, str]) -> list[str]:
    """Wait for the dead run to be failed, told and done again; return what is wrong then."""
    done, failed = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    try:
        _seen(place, "the dead run failed", lambda i: i.get_runs(dg.RunsFilter([killed], statuses=[failed])))
        again = dg.RunsFilter(tags={RETRY_OF: killed}, statuses=[done])
        _seen(place, "the night done again", lambda i: i.get_runs(again))
        _seen(place, "the failure told", lambda _: killed in _told(place))
    except TimeoutError as error:
        return [f"{error}; {log.read_text()[-300:]}"]
    now = place.fingerprint()
    return [f"other bytes: {table}" for table in expected if now.get(table) != expected[table]]


def _told(place: Place) -> set[str]:
    log = place.home.logs / "failures.log"
    return {json.loads(line)["run_id"] for line in log.read_text().splitlines()} if log.exists() else set()


def _seen(place: Place, what: str, look: Callable[[dg.DagsterInstance], Any], pause: float = 1.0) -> Any:
    end = time.monotonic() + PATIENCE
    with dg.DagsterInstance.from_config(str(place.home.dagster)) as instance:
        while time.monotonic() < end:
            if found := look(instance):
                return found
            time.sleep(pause)
    raise TimeoutError(f"not seen in {PATIENCE:.0f} s: {what}")
