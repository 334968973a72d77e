"""kill -9 in the place of each write of a run, one after the other: none is left out."""

import signal

from benchmarks.reliability import after
from benchmarks.reliability.forked import imported, killed_before_write, run_forked
from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, new_place, write_exports

SCENARIO = "kill -9 in the place of each write of a run"
MOST = 500


def run(times: int = MOST, progress: Progress = quiet, step: int = 1) -> Outcome:
    """Kill a run before its first write, its second, and so on until one comes through.

    Args:
        times: No more than this many.
        progress: Told after each.
        step: 1 for every write, 5 for every fifth.
    """
    imported()
    tally = Tally()
    with timed() as elapsed, new_place() as place:
        landing, whole = place.home.landing(NAME), []
        for effect in (5.0, 9.0):
            write_exports(landing, effect)
            run_forked(place)
            whole.append(place.fingerprint())
        for number in range(1, times * step + 1, step):
            delivery = (number // step) % 2
            write_exports(landing, (5.0, 9.0)[delivery])
            status = run_forked(place, killed_before_write(number))
            if status != -signal.SIGKILL:
                break
            wrong = [*after.unreadable(place), *after.mixed(place, whole)]
            if code := run_forked(place):
                wrong.append(f"the next night left with {code}")
            if place.fingerprint() != whole[delivery]:
                wrong.append("other bytes after the next night")
            tally.note("killed before a write", wrong)
            progress(f"{SCENARIO}: {number}")
        return tally.outcome(SCENARIO, elapsed())
