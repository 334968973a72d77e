"""How Dagster's pages are started on this machine. Not here: starting them (cli)."""

import os
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


def _program(name: str) -> Path:
    return Path(sys.executable).with_name(name)
