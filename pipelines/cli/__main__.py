"""The way in and the one error handler of `srt`. Not here: commands, how Ctrl-C is heard (stopping)."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli import stopping
from pipelines.cli.stopping import STOPPED
from pipelines.warm import spare_the_collector

if TYPE_CHECKING:
    import click

    from pipelines.cli.arguments import Invocation


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line and leave with its exit code."""
    try:
        stopping.listen()
        code = run_command_line(list(sys.argv[1:] if arguments is None else arguments))
        stopping.leave_when_pressed()
    except KeyboardInterrupt:  # a second one, amid what was done about the first
        stopping.leave()
    if code == STOPPED:
        stopping.leave()
    spare_the_collector()  # the process ends
    sys.exit(code)


def run_command_line(given: list[str]) -> int:
    """Run a command line; return its exit code, having told what went wrong."""
    try:
        return _run(given)  # the imports within take long enough to be interrupted
    except KeyboardInterrupt:
        return _stopped()


def _run(given: list[str]) -> int:
    import typer

    from pipelines.cli.app import app
    from pipelines.cli.arguments import Invocation
    from pipelines.cli.output import keep_signs

    keep_signs()
    invocation = Invocation(json="--json" in given)
    try:
        command = typer.main.get_command(app)
        code = command.main(args=given, prog_name="srt", standalone_mode=False, obj=invocation) or 0
        sys.stdout.flush()  # here, where its failure is still told
    except BaseException as error:  # noqa: BLE001  the one place where every error becomes a message
        return _ended_by(error, invocation)
    if code == STOPPED or (code and stopping.received()):  # typer makes 130 of a KeyboardInterrupt
        return _stopped()
    return _too_late() if stopping.received() else code


def _ended_by(error: BaseException, invocation: "Invocation") -> int:
    import click

    if isinstance(error, (KeyboardInterrupt, click.Abort)) or stopping.received():
        return _stopped()  # libraries make many an error of an interrupt
    if isinstance(error, click.ClickException):
        return _usage(error, invocation)
    if isinstance(error, BrokenPipeError) or _hides_a_broken_pipe(error):
        return _nobody_listens()
    if not isinstance(error, Exception):
        raise error
    return _failed(error, invocation)


def _usage(error: "click.ClickException", invocation: "Invocation") -> int:
    from typer.rich_utils import rich_format_error

    from pipelines.cli.failures import of_usage
    from pipelines.cli.output import print_json

    rich_format_error(error)
    if invocation.json:
        print_json(of_usage(error).as_json(invocation.trial))
    return error.exit_code


def _failed(error: Exception, invocation: "Invocation") -> int:
    from pipelines.cli.failures import failure_of, show
    from pipelines.cli.output import print_json

    failure = failure_of(error)
    show(failure)
    if invocation.json:
        print_json(failure.as_json(invocation.trial))
    return failure.exit_code


def _stopped() -> int:
    # Written without Rich: the interrupt may have fallen into its import.
    sys.stderr.write("Stopped. What was stored before is untouched.\n")
    return STOPPED


def _too_late() -> int:
    sys.stderr.write("Stopped, but the command had done its work by then.\n")
    return STOPPED


def _hides_a_broken_pipe(error: BaseException) -> bool:
    """Say whether this is typer's own way out when the reader of a pipe has gone, which leaves with 1."""
    return isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)


def _nobody_listens() -> int:
    """Leave quietly when the reader of a pipe, such as `head`, has gone."""
    from pipelines.cli.output import write_to_nobody

    write_to_nobody(sys.__stdout__)
    return 0


if __name__ == "__main__":
    main()
