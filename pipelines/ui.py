"""How Dagster's pages are started on this machine, and ours beside them. Not here: the terminal (cli), ours (pages)."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pipelines.home import PROJECT, Home

LOOPBACK = "127.0.0.1"


def ui_command(
    home: Home, port: int = 3000, *, host: str = LOOPBACK, read_only: bool = False
) -> tuple[list[str], Mapping[str, str]]:
    """Return the command that serves the pages, on this machine alone unless told otherwise, and its environment.

    The command is to be run in the project's folder (`pipelines.home.PROJECT`).

    Args:
        home: The state folder; its Dagster configuration is made if it isn't there.
        port: The port.
        host: The address to listen at.
        read_only: Serve pages that start and change nothing; the daemon is then not run beside them.
    """
    from pipelines.record import make_record

    make_record(home.ready())  # the daemon and the web server would both try
    environment = {
        **os.environ,
        "VIRTUAL_ENV": sys.prefix,
        "SRT_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
    }
    where = ["--host", host, "--port", str(port)]
    if read_only:
        workspace = ["--workspace", str(PROJECT / "workspace.yaml"), "--read-only"]
        return [str(_program("dagster-webserver")), *where, *workspace], environment
    return [str(_program("dg")), "dev", *where, "--target-path", str(PROJECT)], environment


def listen(host: str, port: int, option: str) -> socket.socket:
    """Return a socket that listens at an address.

    Raises:
        BusyError: the port is taken, or the address is not this machine's; `option` chooses another port.
    """
    from data_contracts.errors import BusyError, Problem

    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        found = error.strerror or "an error"
        problem = Problem(f"port {port}", found, "a free port", f"Choose another with {option}.")
        raise BusyError(f"Port {port} can't be used.", [problem]) from None
    return listening


def serve_pages(
    home: Home, listening: socket.socket, host: str, dagster_port: int
) -> "subprocess.Popen[bytes]":
    """Serve our pages in a process of their own, which ends when this one ends or becomes another that ends.

    The end of a pipe that only this process holds tells it so, also after `os.execve`, whatever the end was.
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    asked = {"home": home.root, "host": host, "socket": listening.fileno(), "dagster-port": dagster_port}
    options = [text for name, value in asked.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "pipelines.pages", *options]
    served = subprocess.Popen(  # noqa: S603  our own program
        command, stdin=reading, pass_fds=[listening.fileno()], cwd=PROJECT
    )
    os.close(reading)
    listening.close()
    return served


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)
