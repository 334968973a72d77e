"""What came of one kind of accident. Not here: causing it (a module each), the page (__main__)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often an accident was caused, how often all was well after it, and what was seen."""

    scenario: str
    times: int
    held: int  # times nothing was lost or unreadable and the next night succeeded by itself
    seen: str
    seconds: float = 0.0
    skipped: str = ""  # why it could not be tried here

    @property
    def ok(self) -> bool:
        """Return whether all was well each time, or it could not be tried."""
        return self.held == self.times


@dataclass(slots=True)
class Tally:
    """Counts while a scenario runs."""

    times: int = 0
    held: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, what: str, wrong: list[str]) -> None:
        """Note one accident: what it looked like, and what was wrong after it."""
        self.times += 1
        self.held += not wrong
        self.seen[what] = self.seen.get(what, 0) + 1
        self.wrong += wrong

    def sentence(self, most: int = 3) -> str:
        """Return what was seen, and the first of what was wrong."""
        seen = ", ".join(f"{what}: {count}" for what, count in sorted(self.seen.items()))
        wrong = "; ".join(self.wrong[:most])
        return f"{seen}. WRONG: {wrong}" if wrong else f"{seen}"

    def outcome(self, scenario: str, seconds: float) -> Outcome:
        """Return the outcome."""
        return Outcome(scenario, self.times, self.held, self.sentence(), seconds)


def not_tried(scenario: str, why: str) -> Outcome:
    """Return the outcome of a scenario that this machine can't stage."""
    return Outcome(scenario, 0, 0, "not tried here", skipped=why)


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Yield a clock that tells the seconds since the block began."""
    begun = time.monotonic()
    yield lambda: time.monotonic() - begun


def quiet(_: str) -> None:
    """Show no progress."""
