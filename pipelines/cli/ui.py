"""`srt ui`: Dagster's pages on this machine. Not here: the command that serves them (pipelines.ui)."""

import os
import socket
from typing import Annotated

import typer

from pipelines.cli.output import note


def ui(port: Annotated[int, typer.Option(min=1024, max=65535, help="Port on this machine.")] = 3000) -> None:
    """Serve Dagster's pages: asset graph, runs, checks, schedules."""
    from pipelines.home import PROJECT, find_home
    from pipelines.ui import ui_command

    _must_be_free(port)
    command, environment = ui_command(find_home(), port)
    _must_exist(command[0])
    note(f"Dagster's pages: http://127.0.0.1:{port} (Ctrl-C ends them)")
    os.chdir(PROJECT)
    os.execve(command[0], command, dict(environment))  # noqa: S606  no shell: Dagster takes this process over


def _must_be_free(port: int) -> None:
    from data_contracts.errors import BusyError, Problem

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
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
