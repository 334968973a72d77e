"""Ask the parser's process for a file's columns. Not here: parsing (parse, parse_server), what they mean (spss).

`shared_parser` is the one that all of a trial's files are read by. It starts with the first file, or earlier:
a fresh interpreter imports pyreadstat for a third of a second.
"""

import atexit
import mmap
import os
import select
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from data_contracts.errors import Problem, ReadError
from data_contracts.readers.parse import Description, from_json
from data_contracts.readers.parse_messages import receive, send, unnamed_file
from data_contracts.readers.parse_server import Limits

if TYPE_CHECKING:
    import pyarrow as pa

GRACE = 5.0  # seconds beyond its limits before the process itself is given up
HOME = Path(__file__).parent.parent.parent
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from data_contracts.readers.parse_server import serve; serve(int(sys.argv[2]))"
)
EXPORT_AGAIN = "Export it again, and copy it whole."
NO_ENCODING = (
    "bytes that are not UTF-8, and no declared encoding",
    "text in a known encoding",
    "Set the form's `encoding` in the trial file, such as windows-1252.",
)
KINDS = {
    "sav": "SPSS file",
    "por": "portable SPSS file",
    "dta": "Stata file",
    "sas7bdat": "SAS file",
    "xpt": "SAS transport file",
}


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A file's variables, and their cells: columns named by position, letters of missing codes behind `t`."""

    description: Description
    columns: "pa.Table"


class Parser:
    """A running process that parses; use `start`, then `parse` any number of times, then `close`."""

    def __init__(self, child: "subprocess.Popen[bytes]", channel: socket.socket, limits: Limits) -> None:
        self._child, self._channel, self._limits = child, channel, limits
        self._number = 0
        self._lock = threading.Lock()  # one question at a time
        self.owner = os.getpid()  # a fork of this process must not use it

    @classmethod
    def start(cls, limits: Limits | None = None) -> Self:
        """Start the process, which begins importing at once, and return without waiting for it.

        Raises:
            ReadError: the system has no processes of this kind (Windows).
        """
        if not hasattr(os, "fork"):
            found, remedy = "a system without them", "Read this file on Linux or macOS, or export it as CSV."
            problem = Problem("SPSS, Stata and SAS files", found, "processes that can be limited", remedy)
            raise ReadError("These files can't be read here.", [problem])
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-c", PROGRAM, str(HOME), str(theirs.fileno())]
        nothing = subprocess.DEVNULL
        with theirs:
            child = subprocess.Popen(  # noqa: S603 - our own
                command, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=[theirs.fileno()]
            )
        return cls(child, ours, limits or Limits())

    @property
    def is_running(self) -> bool:
        """Return whether the process lives, and is this process's own."""
        return self.owner == os.getpid() and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._child.pid

    def parse(self, data: bytes, format_: str, encoding: str, where: str) -> Parsed:
        """Return a file's columns.

        Args:
            data: The file's bytes.
            format_: sav (and zsav), por, dta, sas7bdat or xpt.
            encoding: The declared one; none when the file is to say.
            where: The file's name in messages.

        Raises:
            ReadError: cut, damaged, too large, or one that crashes or stalls the library.
        """
        source = unnamed_file()
        try:
            _write(source, data)
            with self._lock:
                answer, parts = self._ask(source, format_, encoding, self._patience(len(data)))
        finally:
            os.close(source)
        if "error" in answer:
            raise _error(answer["error"], answer["detail"], KINDS[format_], where)
        return Parsed(from_json(answer["found"]), _table(parts, from_json(answer["found"])))

    def _patience(self, size: int) -> float:
        return self._limits.seconds + size / 1e6 + GRACE

    def _ask(
        self, source: int, format_: str, encoding: str, patience: float
    ) -> tuple[dict[str, Any], list[int]]:
        """Return the answer to a question; a process that gives none is ended."""
        self._number += 1
        question = {"format": format_, "encoding": encoding, "limits": asdict(self._limits)}
        try:
            send(self._channel, self._number, question, [source])
            while select.select([self._channel], [], [], patience)[0]:
                answer = receive(self._channel)
                if answer is None:
                    break
                if answer[0] == self._number:  # else it is late, from a question that was given up
                    return answer[1], answer[2]
        except OSError:
            pass
        self.close()
        return {"error": "died", "detail": "no answer"}, []

    def close(self) -> None:
        """End the process; one that does not end by itself is killed."""
        self._channel.close()
        if self.owner != os.getpid():
            return
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(GRACE)
            return
        self._child.kill()
        self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_shared: list[Parser] = []


def shared_parser(limits: Limits | None = None) -> Parser:
    """Return this process's parser; it is started by the first call, and again if it has died.

    Args:
        limits: For the files read from now on; as they are when not given.
    """
    if limits or (_shared and not _shared[0].is_running):
        end_shared_parser()
    if not _shared:
        _shared.append(Parser.start(limits))
    return _shared[0]


@atexit.register
def end_shared_parser() -> None:
    """End this process's parser, if there is one."""
    while _shared:
        _shared.pop().close()


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _table(parts: list[int], found: Description) -> "pa.Table":
    """Return the parts of a table as one, without a copy: some hold rows, some hold columns."""
    import pyarrow as pa

    together = dict[tuple[str, ...], list[pa.Table]]()
    for part in parts:
        table = _mapped(part)
        together.setdefault(tuple(table.column_names), []).append(table)
    columns = dict[str, Any]()
    for names, tables in together.items():
        whole = pa.concat_tables(tables)
        columns |= {name: whole[name] for name in names}
    empty = {str(k): pa.array([], _type(one.kind)) for k, one in enumerate(found.variables)}
    return pa.table(columns if found.n_rows else empty)


def _type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    return pa.string() if kind == "string" else pa.float64()


def _mapped(part: int) -> "pa.Table":
    import pyarrow as pa

    try:
        content = mmap.mmap(part, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(part)
    stream: pa.RecordBatchStreamReader = pa.RecordBatchStreamReader(pa.py_buffer(content))
    return stream.read_all()


def _error(kind: str, detail: str, what: str, where: str) -> ReadError:
    """Return the error for what the process says; none of it holds a value."""
    words = _undecodable(kind, detail) or _miscounted(kind, detail) or _failed(kind, detail, what)
    found, expected, remedy = words
    return ReadError(f"{where} can't be read.", [Problem(where, found, expected, remedy)])


def _undecodable(kind: str, message: str) -> tuple[str, str, str] | None:
    if kind == "undeclared":
        return NO_ENCODING
    if "encoding" in message or "character set" in message:
        return ("text that is not in the encoding the file declares", *NO_ENCODING[1:])
    return None


def _miscounted(kind: str, detail: str) -> tuple[str, str, str] | None:
    if kind != "count":
        return None
    found, stated = detail.split(", ")
    return found, f"{stated}, which its header states", EXPORT_AGAIN


def _failed(kind: str, detail: str, what: str) -> tuple[str, str, str]:
    """Return what went wrong in the process, what was expected and what to do."""
    if kind == "budget":
        return f"{detail} each by its header", "at most 200 million cells", "Export it in parts, or as CSV."
    found = {
        "memory": f"a {what} that takes more memory than may be used",
        "time": f"a {what} that took longer than {detail}",
        "died": f"a damaged {what} that crashes the library ({detail})",
        "format": f"a cut or damaged file ({detail[:1].lower()}{detail[1:]})",
    }
    is_memory = "allocate memory" in detail
    return found["memory" if is_memory else kind], f"a whole {what}", EXPORT_AGAIN
