"""How Dagster's pages are started on this machine. Not here: starting them (cli)."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pipelines.home import PROJECT, Home


def ui_command(home: Home, port: int = 3000) -> tuple[list[str], Mapping[str, str]]:
    """Return the command that serves the pages on this machine alone, and its environment.

    The command is to be run in the project's folder (`pipelines.home.PROJECT`).

    Args:
        home: The state folder; its Dagster configuration is made if it isn't there.
        port: The port.
    """
    from pipelines.record import make_record

    make_record(home.ready())  # the daemon and the web server would both try
    dg_program = Path(sys.executable).with_name("dg")
    environment = {
        **os.environ,
        "VIRTUAL_ENV": sys.prefix,
        "SRT_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
    }
    argv = [str(dg_program), "dev", "--host", "127.0.0.1", "--port", str(port), "--target-path", str(PROJECT)]
    return argv, environment
