"""Ctrl-C: heard whoever handles signals meanwhile, and answered though the program hangs. Not here: messages.

Dagster puts handlers of its own in place while a run lasts, and an interrupt that falls into an import can be
lost in it or leave a lock behind. So the signal is heard beside Python's handlers too, by a thread that ends
the process when no orderly end has come in time.
"""

import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

STOPPED = 130  # the shell's convention
PATIENCE = 8.0  # seconds for an orderly end
TWICE = 1.0  # seconds from which a second signal is a second wish, not the first one's echo
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
SHOW_CURSOR = b"\x1b[?25h"
_heard = threading.Event()
_ears: list[socket.socket] = []


def listen() -> None:
    """Hear Ctrl-C from now on, in the main thread's place."""
    if _ears:
        return
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    _ears.extend((ear, mouth))
    signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(ear,), daemon=True).start()


def received() -> bool:
    """Say whether somebody has pressed Ctrl-C, even if nothing has come of it."""
    return _heard.is_set() or (bool(_ears) and _stops(_ears[0], socket.MSG_DONTWAIT))


def leave_when_pressed() -> None:
    """End at once from now on when Ctrl-C is pressed: the command's work is over."""
    signal.signal(signal.SIGINT, lambda *_: leave())


def leave() -> None:
    """End the process now: no thread that imports is waited for, and the judge's process ends with this one."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # nobody may be reading
            stream.flush()
    os._exit(STOPPED)


def _wait(ear: socket.socket) -> None:
    while not _stops(ear):
        ear.recv(64)  # other signals
    _heard.set()
    time.sleep(TWICE)
    ear.recv(64)
    ear.settimeout(PATIENCE - TWICE)
    with suppress(TimeoutError):
        ear.recv(1)
    _end_by_force()


def _stops(ear: socket.socket, flags: int = 0) -> bool:
    """Say whether the signals that wait to be read mean the end; they stay there."""
    with suppress(BlockingIOError, TimeoutError):
        return not SIGNALS.isdisjoint(ear.recv(64, socket.MSG_PEEK | flags))
    return False


def _end_by_force() -> None:
    """End without a flush, which may hang too."""
    if select.select([], [2], [], 0)[1]:
        with suppress(OSError):
            os.write(
                2, (SHOW_CURSOR if os.isatty(2) else b"") + b"Stopped. What was stored before is untouched.\n"
            )
    os._exit(STOPPED)
