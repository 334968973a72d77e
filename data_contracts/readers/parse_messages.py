"""Messages between this process and the parser's: JSON and open files, no code. Not here: what they say.

A message is twelve bytes with open files beside them, the first of which is its JSON: a question's other file
is the one to parse, an answer's are the parts of the table in Arrow's stream format.
"""

import json
import os
import socket
import struct
import tempfile
from typing import Any

MESSAGE = struct.Struct("<QI")  # the question's number, and how many files come with it
MOST_FILES = 64


def send(channel: socket.socket, number: int, content: dict[str, Any], files: list[int]) -> None:
    """Send a message: its JSON in an unnamed file, and other files."""
    body = unnamed_file()
    try:
        os.write(body, json.dumps(content).encode())
        socket.send_fds(channel, [MESSAGE.pack(number, len(files) + 1)], [body, *files])
    finally:
        os.close(body)


def receive(channel: socket.socket) -> tuple[int, dict[str, Any], list[int]] | None:
    """Return the next message's number, JSON and files; none when the other side has gone."""
    head, files, _, _ = socket.recv_fds(channel, MESSAGE.size, MOST_FILES)
    if len(head) < MESSAGE.size or not files:
        return None
    number, _ = MESSAGE.unpack(head)
    body = files.pop(0)
    try:
        size = os.fstat(body).st_size
        content = json.loads(os.pread(body, size, 0))
    finally:
        os.close(body)
    return number, content, files


def unnamed_file() -> int:
    """Return a new file in memory, or a nameless one on disk: nothing is left if the process dies."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("srt", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def path_of(file: int) -> str:
    """Return a way to an open file for a library that wants a path."""
    return f"/proc/self/fd/{file}" if has_proc() else f"/dev/fd/{file}"


def has_proc() -> bool:
    """Return whether a path to an open file opens it anew, as on Linux; elsewhere the position is shared."""
    return os.path.isdir("/proc/self/fd")  # noqa: PTH112
