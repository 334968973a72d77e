"""The machine goes in mid-run: the run stays STARTED in Dagster's record, and nobody does it."""

import os
import signal
import time

from benchmarks.reliability import after
from benchmarks.reliability.kills import EFFECTS
from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, Place, new_place, reference, write_exports

SCENARIO = "host crash: the run is left STARTED"
PATIENCE = 60.0  # seconds for a run to be seen as started


def run(times: int = 3, progress: Progress = quiet) -> Outcome:
    """Kill a run with all that belongs to it once it is recorded as started; the next night must go by itself."""
    tally = Tally()
    with timed() as elapsed, new_place() as place:
        whole = []
        for effect in EFFECTS:
            write_exports(place.home.landing(NAME), effect)
            whole.append(reference(place))
        for turn in range(times):
            delivery = turn % 2
            write_exports(place.home.landing(NAME), EFFECTS[delivery])
            run_id = _crash(place)
            wrong = [*after.unreadable(place), *after.next_night(place, whole[delivery])]
            if (status := _status(place, run_id)) != "FAILURE":
                wrong.append(f"the dead run is {status}")
            tally.note("the dead run was ended as failed", wrong)
            progress(f"{SCENARIO}: {turn + 1} of {times}")
        return tally.outcome(SCENARIO, elapsed())


def _crash(place: Place) -> str:
    process, end = place.start("run", NAME), time.monotonic() + PATIENCE
    try:
        while not (found := _started(place)):
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError("no run was seen to start")
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return found


def _started(place: Place) -> str:
    import dagster as dg

    wanted = dg.RunsFilter(job_name=NAME, statuses=[dg.DagsterRunStatus.STARTED])
    with dg.DagsterInstance.from_config(str(place.home.dagster)) as instance:
        runs = instance.get_runs(wanted, limit=1)
    return runs[0].run_id if runs else ""


def _status(place: Place, run_id: str) -> str:
    import dagster as dg

    with dg.DagsterInstance.from_config(str(place.home.dagster)) as instance:
        run = instance.get_run_by_id(run_id)
    return run.status.value if run else "gone"
