"""`srt ui`: Dagster's pages and the reports' on this machine. Not here: the programs that serve them (pipelines.ui)."""

import os
from typing import Annotated

import typer

from pipelines.cli.output import note

Port = Annotated[int, typer.Option(min=1024, max=65535, help="Port on this machine.")]
PagesPort = Annotated[int, typer.Option(min=1024, max=65535, help="Port of the reports' pages.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Pages that start and change nothing.")]
Host = Annotated[str, typer.Option(help="Address to listen at; any but this machine's own needs the next.")]
Exposed = Annotated[
    bool,
    typer.Option("--without-sign-on", help="Let others on the network in: the pages ask for no password."),
]


def ui(
    port: Port = 3000,
    pages_port: PagesPort = 3001,
    read_only: ReadOnly = False,
    host: Host = "127.0.0.1",
    without_sign_on: Exposed = False,
) -> None:
    """Serve Dagster's pages (asset graph, runs, checks, schedules) and beside them the index of trials and reports.

    For others, put them behind a proxy.
    """
    from pipelines.home import PROJECT, find_home
    from pipelines.ui import listen, serve_pages, ui_command

    if not _is_loopback(host) and not without_sign_on:
        raise typer.BadParameter(
            f"{host} would let others in, and the pages ask for no password: put them behind a proxy that does "
            "(docs/blinding.md), or give --without-sign-on"
        )
    if port == pages_port:
        raise typer.BadParameter(f"both kinds of pages can't be at port {port}: give --port or --pages-port")
    _must_be_free(port, host)
    home, place = find_home(), f"[{host}]" if ":" in host else host
    pages = f"http://{place}:{pages_port}"
    command, environment = ui_command(home, port, host=host, read_only=read_only)
    _must_exist(command[0])
    serve_pages(home, listen(host, pages_port, "--pages-port"), host, port)
    note(f"Dagster's pages: http://{place}:{port} (Ctrl-C ends them)")
    note(f"Index of trials: {pages}")
    os.chdir(PROJECT)
    # No shell: Dagster takes this process over. Runs it starts lead to our pages where they are.
    os.execve(command[0], command, {"SRT_PAGES": pages, **environment})  # noqa: S606


def _is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own: nothing else reaches it."""
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _must_be_free(port: int, host: str) -> None:
    from pipelines.ui import listen

    listen(host, port, "--port").close()


def _must_exist(program: str) -> None:
    from data_contracts.errors import Problem, StorageError

    if not os.access(program, os.X_OK):
        problem = Problem(program, "no program", "Dagster's `dg`", "`make setup` installs it.")
        raise StorageError("Dagster's program is not installed.", [problem])
