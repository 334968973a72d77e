"""A line on stderr per hop while a run goes on. Not here: running."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.cli.output import counted, err

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from pipelines.hops import HopEvent

NOUNS = {
    "landing": ("file", "files"),
    "raw": ("row", "rows"),
    "checked": ("rule", "rules"),
    "quarantine": ("set aside", "set aside"),
    "queries": ("query", "queries"),
    "accepted": ("accepted", "accepted"),
    "analysis_set": ("row", "rows"),
    "results": ("statistic", "statistics"),
}
MARKS = {"done": "✓", "unchanged": "=", "trying again": "…", "failed": "✗"}
ASCII = {"✓": "+", "…": "~", "✗": "x"}
STYLES = {"done": "green", "failed": "bold red", "trying again": "yellow"}


class Progress:
    """Prints a line when a hop ends; in a terminal, also says which is under way."""

    def __init__(self, console: "Console", status: "Status | None") -> None:
        self._console, self._status = console, status

    def __call__(self, event: "HopEvent") -> None:
        """Tell what has happened to a hop."""
        if event.state == "started":
            self._under_way(event.hop)
        elif event.state in MARKS:
            self._ended(event)

    def _ended(self, event: "HopEvent") -> None:
        mark = MARKS[event.state]
        if self._console.options.ascii_only:
            mark = ASCII.get(mark, mark)
        self._line(
            mark, STYLES.get(event.state, "dim"), f"{event.hop:<13}{event.seconds:6.1f} s  {_told(event)}"
        )

    def _line(self, mark: str, style: str, text: str) -> None:
        from rich.text import Text

        line = Text.assemble("  ", (mark, style), " ", text.rstrip())
        self._console.print(line, soft_wrap=True)

    def _under_way(self, hop: str) -> None:
        if self._status is not None:
            self._status.update(hop)


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Print a title and yield what hops are told to; in a terminal a spinner turns meanwhile."""
    console = err()
    console.print(title, style="bold", markup=False, emoji=False)
    if not console.is_terminal:
        yield Progress(console, None)
        return
    with console.status("starting", spinner="line" if console.options.ascii_only else "dots") as status:
        yield Progress(console, status)


def _told(event: "HopEvent") -> str:
    return ", ".join(_counts(event.counts)) if event.state == "done" else event.state


def _counts(counts: Mapping[str, int]) -> Iterator[str]:
    for table, number in counts.items():
        if table in NOUNS:
            yield counted(number, *NOUNS[table])
