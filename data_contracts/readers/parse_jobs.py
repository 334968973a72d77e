"""The parts of one file's reading, in turn or in processes of their own. Not here: what a part does (parse)."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from data_contracts.readers.parse import ParseError
from data_contracts.readers.parse_messages import has_proc, unnamed_file

PROCESSES = 2  # at a time
Result = dict[str, Any]  # JSON: a job's rows, and what else it found
Job = Callable[[], Result]


class Ended(Exception):  # noqa: N818 - no error here: it says how a process ended
    """A process that did a job has ended without a result."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


def do_jobs(jobs: Sequence[Job], *, in_processes: bool) -> list[Result]:
    """Do jobs and return their results, in order; in processes, each is done by the next that is free.

    Raises:
        ParseError: of the first job that failed, by the jobs' order.
        Ended: a process ended without a result.
    """
    if not in_processes or not has_proc():  # elsewhere they would share the position in the file
        return [job() for job in jobs]
    results = [unnamed_file() for _ in jobs]
    waiting, running = list(range(len(jobs))), set[int]()
    while waiting or running:
        while waiting and len(running) < PROCESSES:
            number = waiting.pop(0)
            running.add(_start(jobs[number], results[number]))
        child, status = os.wait()
        running.discard(child)
        if status:
            raise Ended(status)
    return [_result(file) for file in results]


def _start(job: Job, file: int) -> int:
    """Start a process that does a job, and return its number."""
    return os.fork() or _do_and_exit(job, file)


def _do_and_exit(job: Job, file: int) -> NoReturn:
    code = 1
    try:
        os.write(file, json.dumps(_done(job)).encode())
        code = 0
    finally:
        os._exit(code)


def _done(job: Job) -> Result:
    try:
        return job()
    except ParseError as error:
        return {"error": error.kind, "detail": error.detail}
    except MemoryError:
        return {"error": "memory", "detail": ""}


def _result(file: int) -> Result:
    content: Result = json.loads(os.pread(file, os.fstat(file).st_size, 0))
    os.close(file)
    if "error" in content:
        raise ParseError(content["error"], content["detail"])
    return content
