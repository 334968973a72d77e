"""How commands speak: results on stdout, the rest on stderr, one JSON object. Not here: what is said."""

import codecs
import io
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

DASHES = "\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}"
PIPE_WIDTH = 160  # columns when nobody's terminal says otherwise


def out() -> "Console":
    """Return the console of results: standard output."""
    return _console(stderr=False)


def err() -> "Console":
    """Return the console of progress, logs and errors: standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    free = stream.isatty() or "COLUMNS" in os.environ
    console = Console(stderr=stderr, highlight=False, width=None if free else PIPE_WIDTH)
    console.on_broken_pipe = partial(write_to_nobody, stream)  # Rich's own would end the program, amid a run
    return console


def write_to_nobody(stream: TextIO | None) -> None:
    """Let a stream whose reader has gone, such as `head`, take what is still written to it."""
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str = "", style: str = "", *, stderr: bool = False) -> None:
    """Print one line as it is: no markup, no wrapping inside a path."""
    console = err() if stderr else out()
    console.print(text, style=style or None, markup=False, emoji=False, soft_wrap=True)


def put(what: "RenderableType", *, stderr: bool = False) -> None:
    """Print a text that wraps, or a table; outside a terminal without blanks at the ends of lines."""
    console = err() if stderr else out()
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        say(line.rstrip(), stderr=stderr)


def note(text: str) -> None:
    """Print a remark on stderr."""
    say(text, "dim", stderr=True)


def grid(rows: "list[tuple[RenderableType, ...]]", *, indent: int = 2) -> "RenderableType":
    """Return rows of label and content, aligned and indented; the last column wraps, the others don't."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table: Table = Table.grid(padding=(0, 2, 0, 0))
    for column in range(len(rows[0]) if rows else 0):
        last = column == len(rows[0]) - 1
        table.add_column(no_wrap=not last, style="" if last else "dim", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return Padding(table, (0, 0, 0, indent), expand=False)


def plain_table(*headers: str, right: tuple[str, ...] = (), unbroken: tuple[str, ...] = ()) -> "Table":
    """Return an empty table with a rule under its head; right-aligned and never-wrapped columns by header."""
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 1, 0, 0)
    )
    for header in headers:
        side: Literal["right", "left"] = "right" if header in right else "left"
        table.add_column(header, justify=side, overflow="fold", no_wrap=header in unbroken)
    return table


def shown(path: Path) -> str:
    """Return a path as briefly as a reader in the current folder can use it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout: numbers in full precision, NaN and infinity as null."""
    escape = not str(sys.stdout.encoding).lower().startswith("utf")
    try:
        sys.stdout.write(json.dumps(jsonable(value), indent=2, ensure_ascii=escape) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the exit code still tells how the command went
        write_to_nobody(sys.stdout)


def jsonable(value: Any) -> Any:
    """Return a value made of JSON's own types only."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


@contextmanager
def stdout_kept() -> Iterator[None]:
    """Send to stderr what anything prints meanwhile, child processes too: stdout is for the result alone."""
    sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # stdout is closed: nothing to keep
        yield
        return
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def keep_signs() -> None:
    """Let a stream that knows no minus sign print a hyphen for it: a negative estimate stays negative."""
    codecs.register_error("srt", _nearest_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="srt")


def _nearest_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join("-" if sign in DASHES else "?" for sign in signs), error.end


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, such as "1 query" or "3 queries"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
