"""`srt ui`: Dagster's pages on this machine. Not here: the command that serves them (pipelines.ui)."""

import os
import socket
from typing import Annotated

import typer

from pipelines.cli.output import note

Port = Annotated[int, typer.Option(min=1024, max=65535, help="Port on this machine.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Pages that start and change nothing.")]
Host = Annotated[str, typer.Option(help="Address to listen at; any but this machine's own needs the next.")]
Exposed = Annotated[
    bool,
    typer.Option("--without-sign-on", help="Let others on the network in: the pages ask for no password."),
]


def ui(
    port: Port = 3000, read_only: ReadOnly = False, host: Host = "127.0.0.1", without_sign_on: Exposed = False
) -> None:
    """Serve Dagster's pages: asset graph, runs, checks, schedules. For others, put them behind a proxy."""
    from pipelines.home import PROJECT, find_home
    from pipelines.ui import ui_command

    if not _is_loopback(host) and not without_sign_on:
        raise typer.BadParameter(
            f"{host} would let others in, and the pages ask for no password: put them behind a proxy that does "
            "(docs/blinding.md), or give --without-sign-on"
        )
    _must_be_free(port, host)
    command, environment = ui_command(find_home(), port, host=host, read_only=read_only)
    _must_exist(command[0])
    note(f"Dagster's pages: http://{host}:{port} (Ctrl-C ends them)")
    os.chdir(PROJECT)
    os.execve(command[0], command, dict(environment))  # noqa: S606  no shell: Dagster takes this process over


def _is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own: nothing else reaches it."""
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _must_be_free(port: int, host: str) -> None:
    from data_contracts.errors import BusyError, Problem

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            problem = Problem(
                f"port {port}", error.strerror or "an error", "a free port", "Choose another with --port."
            )
            raise BusyError(f"Port {port} can't be used.", [problem]) from None


def _must_exist(program: str) -> None:
    from data_contracts.errors import Problem, StorageError

    if not os.access(program, os.X_OK):
        problem = Problem(program, "no program", "Dagster's `dg`", "`make setup` installs it.")
        raise StorageError("Dagster's program is not installed.", [problem])
