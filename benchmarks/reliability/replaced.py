"""An export is written over, in place, at a random moment of the run that reads it."""

import random
import threading
import time
from pathlib import Path

from benchmarks.reliability import after
from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, Place, new_place, reference, status_of, write_exports

SCENARIO = "an export replaced in place while a run reads it"
FILE = "scores.csv"
MIXED = "tables of two deliveries"
THREE = (5.0, 9.0, 13.0)


def run(times: int = 10, seed: int = 2, progress: Progress = quiet) -> Outcome:
    """Write one delivery over another amid the run that reads it: it must use one of them whole, or refuse both.

    Both are news: what is published is of a third.
    """
    rng, tally, published = random.Random(seed), Tally(), len(THREE) - 1
    with timed() as elapsed, new_place() as place:
        whole, contents, seconds = _deliveries(place)
        for turn in range(times):
            before, last = (published + 1) % 3, (published + 2) % 3
            (place.home.landing(NAME) / FILE).write_bytes(contents[before])
            ended = _night_amid_which(place, contents[last], rng.uniform(0, seconds))
            used = _which(place.fingerprint(), whole, before, last) if ended == "success" else ended
            wrong = [*after.unreadable(place), *after.mixed(place, whole)]
            wrong += [MIXED] if used == MIXED else []
            wrong += after.next_night(place, whole[last])
            published = last
            tally.note(used, wrong)
            progress(f"{SCENARIO}: {turn + 1} of {times}")
        return tally.outcome(SCENARIO, elapsed())


def _deliveries(place: Place) -> tuple[list[dict[str, str]], list[bytes], float]:
    """Return the fingerprint and the contents of each delivery, undisturbed, and how long a run took."""
    file, whole, contents = place.home.landing(NAME) / FILE, [], []
    for effect in THREE:
        write_exports(file.parent, effect)
        contents.append(file.read_bytes())
        begun = time.monotonic()
        whole.append(reference(place))
    return whole, contents, time.monotonic() - begun


def _night_amid_which(place: Place, contents: bytes, moment: float) -> str:
    """Run a night, write other contents over the export at a moment of it, and return how it ended."""
    path = place.home.landing(NAME) / FILE
    replacing = threading.Thread(target=_replace, args=(path, contents, moment))
    replacing.start()
    ended = status_of(place.night())
    replacing.join()
    return ended


def _which(now: dict[str, str], whole: list[dict[str, str]], before: int, last: int) -> str:
    """Return which delivery a run that succeeded has published."""
    named = {"the older, whole": before, "the newer, whole": last}
    return next((name for name, one in named.items() if now == whole[one]), MIXED)


def _replace(path: Path, contents: bytes, moment: float) -> None:
    """Write over a file as a copy over the network does: bit by bit."""
    time.sleep(moment)
    with path.open("r+b", buffering=0) as file:
        for start in range(0, len(contents), 512):
            file.write(contents[start : start + 512])
            time.sleep(0.01)
        file.truncate()
