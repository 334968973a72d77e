"""The way in and the one error handler of `srt`. Not here: commands."""

import gc
import os
import sys
from collections.abc import Sequence

import click
import typer

from pipelines.cli.app import app
from pipelines.cli.arguments import Invocation
from pipelines.cli.output import keep_signs, note, print_json

STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    keep_signs()
    code = run_command_line(given)
    gc.freeze()  # the process ends: sweeping up a million objects first would only take time
    sys.exit(code)


def run_command_line(given: list[str]) -> int:
    """Run a command line; return its exit code, having told what went wrong."""
    invocation = Invocation(json="--json" in given)
    try:
        command = typer.main.get_command(app)
        code = command.main(args=given, prog_name="srt", standalone_mode=False, obj=invocation) or 0
        return _stopped() if code == STOPPED else code  # typer makes this of a KeyboardInterrupt
    except click.ClickException as error:
        return _usage(error, invocation)
    except (KeyboardInterrupt, click.Abort):
        return _stopped()
    except BrokenPipeError:
        return _nobody_listens()
    except Exception as error:  # noqa: BLE001  the one place where every error becomes a message
        return _failed(error, invocation)


def _usage(error: click.ClickException, invocation: Invocation) -> int:
    from typer.rich_utils import rich_format_error

    from pipelines.cli.failures import of_usage

    rich_format_error(error)
    if invocation.json:
        print_json(of_usage(error).as_json(invocation.trial))
    return error.exit_code


def _failed(error: Exception, invocation: Invocation) -> int:
    from pipelines.cli.failures import failure_of, show

    failure = failure_of(error)
    show(failure)
    if invocation.json:
        print_json(failure.as_json(invocation.trial))
    return failure.exit_code


def _stopped() -> int:
    note("Stopped. What was stored before is untouched.")
    return STOPPED


def _nobody_listens() -> int:
    """Leave quietly when the reader of a pipe, such as `head`, has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    main()
