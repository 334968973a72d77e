"""`srt run`, `srt check`: a trial to its report, or to its verdict. Not here: the run (pipelines.run)."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli import output
from pipelines.cli.arguments import AsJson, MaybeTrialName, TrialName, load
from pipelines.cli.failures import failure_of, of_srt_error
from pipelines.cli.failures import show as show_failure

if TYPE_CHECKING:
    from typing import Literal

    from data_contracts.spec import Trial
    from pipelines.run import RunSummary

IfChanged = Annotated[
    bool, typer.Option("--if-changed", help="Stop early when data, plan and program are the same.")
]
All = Annotated[bool, typer.Option("--all", help="Every trial, one after the other.")]


def run(
    trial: MaybeTrialName = None, every: All = False, if_changed: IfChanged = False, as_json: AsJson = False
) -> None:
    """Validate, analyse and report a trial.

    TRIAL is a name from `srt trials`.
    """
    if every == bool(trial):
        raise typer.BadParameter("give a TRIAL, or --all")
    if every:
        _run_all(force=not if_changed, as_json=as_json)
        return
    plan, summary = _execute(str(trial), force=not if_changed, as_json=as_json)
    _end(plan, summary, as_json=as_json)


def check(trial: TrialName, as_json: AsJson = False) -> None:
    """Validate a trial's plan and data; analyse nothing.

    TRIAL is a name from `srt trials`.
    """
    plan, summary = _execute(trial, select="checked", as_json=as_json)
    _end(plan, summary, as_json=as_json, checked_only=True)


def _execute(
    name: str, *, force: bool = True, select: "Literal['checked'] | None" = None, as_json: bool = False
) -> "tuple[Trial, RunSummary]":
    """Run a trial; the first words are printed before the slow imports begin."""
    from pipelines import warm
    from pipelines.cli.data import ensure_data
    from pipelines.cli.progress import progress

    plan = load(name)
    ensure_data(plan)
    with output.stdout_kept() if as_json else nullcontext(), progress(f"{plan.name}: {plan.title}") as told:
        with warm.uninterrupted():
            from pipelines.run import execute_trial

        return plan, execute_trial(name, force=force, select=select, on_hop=told)


def _end(plan: "Trial", summary: "RunSummary", *, as_json: bool, checked_only: bool = False) -> None:
    """Tell what came of a run and leave with its exit code."""
    from pipelines.cli.summary import as_json as in_json

    _tell(plan, summary, as_json=as_json)
    if as_json:
        output.print_json(in_json(summary, checked_only=checked_only))
    if summary.error is not None:
        raise typer.Exit(summary.error.exit_code)


def _tell(plan: "Trial", summary: "RunSummary", *, as_json: bool) -> None:
    """Print what came of a run: the result unless it is wanted as JSON, the error in any case."""
    from pipelines.cli.summary import show

    if not as_json:
        show(summary, plan)
    if summary.error is not None:
        show_failure(of_srt_error(summary.error))


def _run_all(*, force: bool, as_json: bool) -> None:
    """Run every trial; one that fails does not stop the rest, and the first failure's exit code is kept."""
    from data_contracts.load import trial_files

    codes, objects = [], []
    for name in trial_files():
        code, told = _one_of_all(name, force=force, as_json=as_json)
        codes.append(code)
        objects.append(told)
    worst = next((code for code in codes if code), 0)
    if as_json:
        output.print_json({"status": "failed" if worst else "success", "trials": objects})
    if worst:
        raise typer.Exit(worst)


def _one_of_all(name: str, *, force: bool, as_json: bool) -> tuple[int, dict[str, Any]]:
    from pipelines.cli.data import waits_for_data
    from pipelines.cli.summary import as_json as in_json

    try:
        if waits_for_data(load(name)):
            output.note(f"{name}: left out, a shipped example without data (`srt run {name}` makes them)")
            return 0, {"trial": name, "status": "skipped"}
        plan, summary = _execute(name, force=force, as_json=as_json)
    except Exception as error:  # noqa: BLE001  whatever stops one trial, the others must run
        failure = failure_of(error)
        show_failure(failure)
        return failure.exit_code, failure.as_json(name)
    if not as_json:
        output.say(f"\n{plan.name}", "bold underline")
    _tell(plan, summary, as_json=as_json)
    return (summary.error.exit_code if summary.error else 0), in_json(summary)
