"""kill -9 at a random moment of a run, from its first import to its last write."""

import random
import time

from benchmarks.reliability import after
from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, Place, new_place, reference, write_exports

SCENARIO = "kill -9 at a random moment of a run"
EFFECTS = (5.0, 9.0)


def run(times: int = 50, seed: int = 1, progress: Progress = quiet) -> Outcome:
    """Kill a run that has a new delivery to write, then look; each time the next night must make it good."""
    rng, tally = random.Random(seed), Tally()
    with timed() as elapsed, new_place() as place:
        whole, seconds = references(place)
        for turn in range(times):
            delivery = turn % 2
            write_exports(place.home.landing(NAME), EFFECTS[delivery])
            moment = rng.uniform(0, seconds)
            died = _kill(place, moment)
            wrong = [*died, *after.unreadable(place), *after.mixed(place, whole)]
            wrong += after.next_night(place, whole[delivery])
            tally.note(_when(moment, seconds), wrong)
            progress(f"{SCENARIO}: {turn + 1} of {times}")
        return tally.outcome(SCENARIO, elapsed())


def references(place: Place) -> tuple[list[dict[str, str]], float]:
    """Return the fingerprint of each delivery, undisturbed (the first last), and how long a run took."""
    found = []
    for effect in reversed(EFFECTS):
        write_exports(place.home.landing(NAME), effect)
        begun = time.monotonic()
        found.append(reference(place))
    seconds = time.monotonic() - begun
    write_exports(place.home.landing(NAME), EFFECTS[1])
    place.night()  # so that the first kill, too, meets a delivery that is news
    return found[::-1], seconds


def _kill(place: Place, moment: float) -> list[str]:
    """Kill a run at a moment; return what its helpers left."""
    process = place.start("run", NAME, "--if-changed")
    time.sleep(moment)
    process.kill()
    process.communicate()
    return after.left_processes(process.pid)


def _when(moment: float, seconds: float) -> str:
    third = min(2, int(3 * moment / seconds))
    return ("killed in the first third", "killed in the second third", "killed in the last third")[third]
