"""Two runs of one trial, started at the same moment."""

from benchmarks.reliability import after
from benchmarks.reliability.kills import EFFECTS
from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, new_place, reference, write_exports

SCENARIO = "two runs of a trial at once"
BUSY = 8


def run(times: int = 5, progress: Progress = quiet) -> Outcome:
    """Start two runs together; one does the work, the other waits or says that it is busy."""
    tally = Tally()
    with timed() as elapsed, new_place() as place:
        whole = []
        for effect in EFFECTS:
            write_exports(place.home.landing(NAME), effect)
            whole.append(reference(place))
        for turn in range(times):
            delivery = turn % 2
            write_exports(place.home.landing(NAME), EFFECTS[delivery])
            both = [place.start("run", NAME, "--json") for _ in range(2)]
            for process in both:
                process.communicate()
            codes = sorted(process.returncode for process in both)
            wrong = [] if codes in ([0, BUSY], [0, 0]) else [f"exit codes {codes}"]
            wrong += [*after.unreadable(place), *after.next_night(place, whole[delivery])]
            tally.note("one done, one busy" if codes == [0, BUSY] else "one after the other", wrong)
            progress(f"{SCENARIO}: {turn + 1} of {times}")
        return tally.outcome(SCENARIO, elapsed())
