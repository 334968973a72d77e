"""The disk fills at ten points of a run: a small file system of its own, filled to the last byte."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.reliability import after
from benchmarks.reliability.outcome import Outcome, Progress, Tally, not_tried, quiet, timed
from benchmarks.reliability.small_trial import NAME, Place, new_place, reference, write_exports
from pipelines.home import PROJECT

SCENARIO = "disk full at a point of a run"
SIZE = "192m"
BALLAST = ".ballast"
EFFECTS = (5.0, 9.0)


def run(times: int = 10, progress: Progress = quiet) -> Outcome:
    """Fill the disk at each of the points of a run in turn, then free it and let the next night come."""
    tally = Tally()
    with timed() as elapsed, new_place() as place:
        try:
            with small_disk(place.home.root):
                _fill_in_turn(place, times, tally, progress)
        except PermissionError as error:
            return not_tried(SCENARIO, str(error))
        return tally.outcome(SCENARIO, elapsed())


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small file system of memory on a folder.

    Raises:
        PermissionError: only an administrator may, and not in every container.
    """
    if os.geteuid():
        raise PermissionError("a file system can be mounted by an administrator only")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        raise PermissionError(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill_in_turn(place: Place, times: int, tally: Tally, progress: Progress) -> None:
    landing, whole = place.home.landing(NAME), []
    for effect in EFFECTS:
        write_exports(landing, effect)
        whole.append(reference(place))
    for turn in range(times):
        delivery = turn % 2
        write_exports(landing, EFFECTS[delivery])
        said = _run_with_a_disk_that_fills(place, at=turn + 1)
        wrong = [*after.unreadable(place), *after.mixed(place, whole)]
        (place.home.root / BALLAST).unlink(missing_ok=True)
        wrong += after.next_night(place, whole[delivery])
        tally.note(said, wrong)
        progress(f"{SCENARIO}: {turn + 1} of {times}")


def _run_with_a_disk_that_fills(place: Place, at: int) -> str:
    argv = [sys.executable, "-m", "benchmarks.reliability.full_disk", str(at)]
    done = subprocess.run(argv, cwd=PROJECT, env=place.environment, capture_output=True, check=False)
    lines = done.stdout.decode().splitlines()
    return json.loads(lines[-1])["ended"] if lines else f"exit {done.returncode}"


def main(at: int) -> None:
    """Run the trial in this process, and fill the disk at the n-th event of its hops."""
    from pipelines.home import find_home
    from pipelines.run import execute_trial

    heard = [0]

    def fill(_: object) -> None:
        heard[0] += 1
        if heard[0] == at:
            _fill(find_home().root / BALLAST)

    try:
        error = execute_trial(NAME, force=False, on_hop=fill).error
        ended = error.family if error else "success"
    except Exception as unexpected:  # noqa: BLE001 - told, and counted
        ended = getattr(unexpected, "family", type(unexpected).__name__)
    sys.stdout.write(json.dumps({"ended": ended}) + "\n")


def _fill(path: Path) -> None:
    """Write until nothing more fits: whole blocks first, then bytes."""
    with path.open("wb", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while ballast.write(b"\0" * size):
                    pass
            except OSError:
                continue


if __name__ == "__main__":
    main(int(sys.argv[1]))
