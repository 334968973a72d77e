"""The parser's process: it waits for files and parses each in a fork of its own, within limits.

A fork costs milliseconds, shares what was imported, and takes whatever a damaged file did to its memory with
it when it ends. Not here: parsing (parse), asking (parser), messages (parse_messages).
"""

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from data_contracts.readers import parse
from data_contracts.readers.parse_jobs import Ended, Job, Result, do_jobs
from data_contracts.readers.parse_messages import path_of, receive, send, unnamed_file

if TYPE_CHECKING:
    from data_contracts.readers.sav_numbers import Layout

LARGE = 20_000_000  # bytes of a file that several processes share


@dataclass(frozen=True, slots=True)
class Limits:
    """What the parsing of one file may take."""

    memory: int = 4 * 2**30  # bytes of address space, for each process
    seconds: float = 120.0  # by the clock and by each process's own, and one more per megabyte
    cells: int = 200_000_000  # numbers, or pieces of eight bytes of text


def serve(channel_number: int) -> NoReturn:
    """Parse files until the other side goes; runs in the parser's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which then goes
    channel = socket.socket(fileno=channel_number)
    gc.disable()
    _import_libraries()
    gc.freeze()
    while (question := receive(channel)) is not None:
        number, content, files = question
        _supervise(channel, number, content, files[0])
        for file in files:
            os.close(file)
    sys.exit(0)


class _NoPandas:
    """Say that there is no pandas: pyarrow would import it with the first array, for half a second."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _import_libraries() -> None:
    import pyarrow as pa
    import pyreadstat

    sys.meta_path.insert(0, _NoPandas)
    pa.array([pyreadstat.__version__])


def _supervise(channel: socket.socket, number: int, content: dict[str, Any], source: int) -> None:
    """Have a fork parse the file, and answer in its place if it can't."""
    limits = Limits(**content["limits"])
    done, finished = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(done)
        _parse_and_exit(channel, number, content, source, finished)
    os.close(finished)
    with suppress(OSError):  # the child does so too: whoever is first
        os.setpgid(child, child)
    patience = limits.seconds + os.fstat(source).st_size / 1e6
    try:
        failure = _wait(channel, child, done, patience)
    finally:
        os.close(done)
    if failure:
        send(channel, number, failure, [])


def _wait(channel: socket.socket, child: int, done: int, patience: float) -> dict[str, Any]:
    """Wait for a child that parses; return how it failed, if it did."""
    watched: list[Any] = [done, channel]
    ready = select.select(watched, [], [], patience)[0]
    if ready == [channel]:
        if not channel.recv(1, socket.MSG_PEEK):  # the other side has gone
            _kill(child)
            sys.exit(1)
        ready = select.select([done], [], [], patience)[0]  # it has its answer, and asks on
    if not ready:
        _kill(child)
        return {"error": "time", "detail": f"{patience:.0f} seconds"}
    has_answered = os.read(done, 1) == b"1"
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        os.killpg(child, signal.SIGKILL)  # what it may have left behind
    return {} if has_answered else died(status)


def died(status: int) -> dict[str, Any]:
    """Return what a child's end means."""
    number = os.waitstatus_to_exitcode(status)
    if number == -signal.SIGXCPU:
        return {"error": "time", "detail": "the processor time it may take"}
    return {"error": "died", "detail": f"signal {-number}" if number < 0 else f"code {number}"}


def _kill(child: int) -> None:
    with suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _parse_and_exit(
    channel: socket.socket, number: int, content: dict[str, Any], source: int, finished: int
) -> NoReturn:
    """Parse a file, answer and end; runs in a fork."""
    code = 1
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        size = os.fstat(source).st_size
        limits = Limits(**content["limits"])
        set_limits(limits, size)
        request = parse.Request(path_of(source), size, content["format"], content["encoding"], limits.cells)
        answer, parts = _answer(request)
        send(channel, number, answer, parts)
        os.write(finished, b"1")
        code = 0
    finally:
        os._exit(code)


def set_limits(limits: Limits, size: int) -> None:
    """Limit this process's memory and processor time, and let it leave no core dump.

    macOS limits no memory: there the clock and the budget of cells alone stop a file that takes too much.
    """
    import resource

    seconds = int(limits.seconds + size / 1e6) + 1
    wanted = {
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in wanted.items():
        _, hard = resource.getrlimit(what)
        with suppress(ValueError, OSError):  # a system without this limit
            resource.setrlimit(what, (most, hard if what == resource.RLIMIT_CPU else most))


def _answer(request: parse.Request) -> tuple[dict[str, Any], list[int]]:
    """Return what was found in a file, as JSON and the files of its parts."""
    try:
        found, parts = read(request)
    except parse.ParseError as error:
        return {"error": error.kind, "detail": error.detail}, []
    except Ended as end:
        return died(end.status), []
    except MemoryError:
        return {"error": "memory", "detail": ""}, []
    return {"found": parse.as_json(found)}, parts


def read(request: parse.Request) -> tuple[parse.Description, list[int]]:
    """Return a file's description, and its cells as files in Arrow's stream format.

    Raises:
        ParseError: the file can't be parsed.
        Ended: a process that parsed a part of it ended.
    """
    found = parse.describe(request)
    if any("is duplicated" in complaint for complaint in found.complaints):
        return found, []  # it will be refused, and the library has renamed what it would be asked for
    layout = parse.layout_of(request, found) if request.format == "sav" else None
    if layout is not None:
        return _read_plain(request, found, layout)
    if request.format == "sav":
        return _read_packed(request, found)
    part = unnamed_file()
    return replace(found, n_rows=parse.parse_chunk(request, found, parse.Chunk(0, 0), part)), [part]


def _read_plain(
    request: parse.Request, found: parse.Description, layout: "Layout"
) -> tuple[parse.Description, list[int]]:
    """Read a .sav: its numbers at once, its text by the library."""
    texts = [one for one in found.variables if one.kind == "string"]
    chunks = parse.chunks_of(found.n_stated, parse.segments_of(texts)) if texts else []
    parts = [unnamed_file() for _ in range(len(chunks) + 1)]

    def numbers() -> Result:
        read_ = parse.parse_numbers(request, found, layout, parts[-1])
        return {"rows": read_.n_rows, "strange": read_.strange}

    def text_of(chunk: parse.Chunk, part: int) -> Result:
        return {"rows": parse.parse_chunk(request, found, chunk, part, text_only=True)}

    jobs: list[Job] = [
        numbers,
        *(partial(text_of, chunk, part) for chunk, part in zip(chunks, parts, strict=False)),
    ]
    is_large = request.size > LARGE
    first, *others = do_jobs(jobs, in_processes=is_large)
    if texts and sum(one["rows"] for one in others) != first["rows"]:
        raise parse.ParseError("format", "Its text has another number of records than its numbers")
    states = found.n_stated >= 0
    return replace(found, n_rows=first["rows"], nan_cells=first["strange"], states_its_rows=states), parts


def _read_packed(request: parse.Request, found: parse.Description) -> tuple[parse.Description, list[int]]:
    """Read a .zsav, or a .sav that is not plain, by the library; a surplus record shows by its last job."""
    counted = _with_count(request, found)
    chunks = parse.chunks_of(counted.n_stated, parse.segments_of(found.variables))
    parts = [unnamed_file() for _ in chunks]

    def cells_of(chunk: parse.Chunk, part: int) -> Result:
        return {"rows": parse.parse_chunk(request, counted, chunk, part)}

    def surplus() -> Result:
        if parse.has_more(request, counted):
            raise parse.ParseError("format", parse.MISMATCH)
        return {"rows": 0}

    jobs: list[Job] = [
        *(partial(cells_of, chunk, part) for chunk, part in zip(chunks, parts, strict=True)),
        surplus,
    ]
    try:
        done = do_jobs(jobs, in_processes=len(chunks) > 1)
    except parse.ParseError as error:
        if error.detail != parse.MISMATCH:
            raise
        raise _miscounted(request, found) from None
    return replace(counted, n_rows=sum(one["rows"] for one in done)), parts


def _with_count(request: parse.Request, found: parse.Description) -> parse.Description:
    """Make the header of the copy state one record more than it did, so that surplus ones show."""
    if not parse.is_possible(request, found):
        raise _miscounted(request, found)
    counted = found
    if found.n_stated < 0:
        counted = replace(found, n_stated=parse.count_records(request, found), states_its_rows=False)
        parse.refuse_too_many(request, counted)
    parse.state_count(request, counted.n_stated + 1)
    return counted


def _miscounted(request: parse.Request, found: parse.Description) -> parse.ParseError:
    n_found = parse.count_records(request, found)
    return parse.ParseError("count", f"{n_found} records, {found.n_stated}")
