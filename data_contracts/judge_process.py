"""The judge in a process of its own: Great Expectations is imported there while this process does other work.

Not here: judging (judge), when to start it (pipelines.warm).

The child is a fresh interpreter that imports only this package; it is told where to find it, so that it
needs neither the parent's main module nor its folder. A message is a pickle and, apart from it, the columns of its
tables as they lie in memory, so that a large table is written and read once and copied nowhere; it touches
no disk. The child ends when its standard input does, that is, when the parent closes it or dies.
"""

import gc
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

from data_contracts.errors import ContractError, Problem, SrtError

if TYPE_CHECKING:  # so that starting the child waits for no import here
    from collections.abc import Mapping, Sequence
    from datetime import date

    from data_contracts.forms import ReadForm
    from data_contracts.rules import Finding, Rule
    from data_contracts.spec import Trial

LENGTH = struct.Struct("<Q")  # a number in front: of parts, and of bytes in each
PATIENCE = 5.0  # seconds a child may take to end before it is killed
HOME = Path(__file__).parent.parent
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from data_contracts.judge_process import serve; serve()"
)


class Judge:
    """A running child that judges; use `start`, then `judge` any number of times, then `close`."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        self._child = child
        self._lock = threading.Lock()  # one question at a time

    @classmethod
    def start(cls) -> Self:
        """Start the child, which begins importing at once, and return without waiting for it."""
        command = [sys.executable, "-P", "-c", PROGRAM, str(HOME)]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        return cls(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing))  # noqa: S603 - our own

    @property
    def pid(self) -> int:
        """Return the child's process number."""
        return self._child.pid

    def judge(
        self,
        forms: "Mapping[str, ReadForm]",
        trial: "Trial",
        rules: "Sequence[Rule]",
        docs: Path | None = None,
        today: "date | None" = None,
    ) -> "tuple[Finding, ...]":
        """Return what `data_contracts.judge.judge` returns, judged by the child.

        Raises:
            ContractError: the child ended before it answered.
            StorageError: the validation pages can't be written.
        """
        with self._lock:
            try:
                _send(_pipe(self._child.stdin), (forms, trial, tuple(rules), docs, today))
                answer = _loaded(_receive(_pipe(self._child.stdout)))
            except (OSError, EOFError):
                raise self._died() from None
        if isinstance(answer, BaseException):
            raise answer
        return tuple(answer)

    def close(self) -> None:
        """End the child; one that does not end by itself is killed."""
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(OSError):  # what was not sent yet has no reader
                _pipe(pipe).close()
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _died(self) -> ContractError:
        self.close()
        code = self._child.returncode
        found = f"that it was ended by signal {-code}" if code < 0 else f"that it ended with code {code}"
        remedy = "Run it again; if it happens again, see whether the machine is short of memory."
        problem = Problem("the process that checks the data", found, "an answer", remedy)
        return ContractError("The data could not be checked; nothing was accepted.", [problem])


def serve() -> NoReturn:
    """Judge what comes on standard input, in the child, until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it closes this process in order
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix with answers
    questions: Queue[list[bytearray]] = Queue()
    threading.Thread(target=_listen, args=(questions,), daemon=True).start()
    from data_contracts import judge

    gc.disable()  # it takes a third of the import and finds nothing in modules
    with suppress(Exception):  # what is wrong shows again, and is told, when the first question comes
        judge.load()
    gc.freeze()
    gc.enable()
    while True:
        _send(answers, _answer(questions.get()))
        gc.collect()  # Great Expectations leaves the tables in circles, which take their memory with them


def _answer(question: list[bytearray]) -> object:
    from data_contracts import judge

    try:
        return judge.judge(*_loaded(question))
    except SrtError as error:
        return error
    except Exception as error:  # noqa: BLE001 - any is the parent's to raise
        return _portable(error)


def _portable(error: Exception) -> RuntimeError:
    """Return an error that survives the way back: its kind and where, not its text, which may hold a value."""
    where = "".join(traceback.format_tb(error.__traceback__))
    return RuntimeError(f"{type(error).__name__} in the process that checks the data\n{where}")


def _listen(questions: Queue[list[bytearray]]) -> None:
    """Pass on what comes; end the process at once when nothing more can, even amid an import."""
    while True:
        try:
            questions.put(_receive(sys.stdin.buffer))
        except EOFError:
            os._exit(0)


def _send(pipe: IO[bytes], message: object) -> None:
    apart: list[pickle.PickleBuffer] = []
    content = pickle.dumps(message, protocol=5, buffer_callback=apart.append)
    pipe.write(LENGTH.pack(1 + len(apart)))
    for part in (memoryview(content), *(buffer.raw() for buffer in apart)):
        pipe.write(LENGTH.pack(part.nbytes))
        pipe.write(part)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> list[bytearray]:
    (n_parts,) = LENGTH.unpack(_exactly(pipe, LENGTH.size))
    return [_exactly(pipe, LENGTH.unpack(_exactly(pipe, LENGTH.size))[0]) for _ in range(n_parts)]


def _loaded(parts: list[bytearray]) -> Any:
    content, *apart = parts
    return pickle.loads(content, buffers=apart)  # noqa: S301 - from our own child or parent


def _exactly(pipe: IO[bytes], n_bytes: int) -> bytearray:
    content = bytearray(n_bytes)
    place = memoryview(content)
    while place:
        got = pipe.readinto(place)  # type: ignore[attr-defined]  # every buffered binary reader has it
        if not got:
            raise EOFError
        place = place[got:]
    return content


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # `start` asks for both
        raise AssertionError
    return pipe
