"""Run one trial now, through its Dagster job, and sum up what came of it. Not here: the terminal (cli)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.errors import SrtError
from pipelines import locks, store, warm
from pipelines.home import Home, find_home
from pipelines.hops import HopEvent, OnHop, ignore
from pipelines.lock import facts_of_run
from pipelines.news import LANDING_ONLY, MADE_OF, is_quiet
from pipelines.published import NAMED, is_whole, named_files
from pipelines.trials import load_named

if TYPE_CHECKING:
    from data_contracts.spec import Trial
    from pipelines.trials import Enrolled

__all__ = ["HopEvent", "RunSummary", "execute_trial", "run_trial", "summary_of"]

Status = Literal["success", "unchanged", "failed"]
UNTIL_CHECKED = ("landing", "raw", "checked", "quarantine", "queries", "accepted")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to, in the words and keys of `srt run --json`."""

    trial: str
    run_id: str
    status: Status
    primary: Mapping[str, Any] | None = None
    forms: list[Mapping[str, Any]] = field(default_factory=list)
    queries: Mapping[str, int] = field(default_factory=dict)
    report: str | None = None
    validation_report: str | None = None
    error: SrtError | None = None
    allocation: str = "true"  # whose arms: "true" or "shuffled"
    lock: Mapping[str, Any] = field(default_factory=dict)  # status: none, as locked, differs; what differs
    files: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(NAMED))  # beside the report
    standing_report: str | None = None  # the last report that is whole, of this run or an earlier one

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON values, without the error."""
        told = {name: value for name, value in asdict(self).items() if name not in {"error", "files"}}
        return {**told, **self.files}


def run_trial(
    name: str, *, force: bool = True, select: Literal["checked"] | None = None, on_hop: OnHop = ignore
) -> RunSummary:
    """Run a trial from its landing folder to its report, and return the summary.

    Args:
        name: The trial.
        force: Analyse again though data, plan and code are those of the published report.
        select: "checked" ends with the verdict on the data.
        on_hop: Told of each hop as it starts and ends.

    Raises:
        SrtError: the member of the family that stopped the run.
    """
    summary = execute_trial(name, force=force, select=select, on_hop=on_hop)
    if summary.error is not None:
        raise summary.error
    return summary


def execute_trial(
    name: str, *, force: bool = True, select: Literal["checked"] | None = None, on_hop: OnHop = ignore
) -> RunSummary:
    """Run a trial like `run_trial`, but return a failed run's summary with its error.

    Raises:
        PlanError: there is no such trial, or its file has mistakes.
        StorageError: the state folder can't be written.
        BusyError: another run of the trial is under way.
    """
    try:
        if force:
            warm.start_judge()  # it imports for longer than anything here does
        enrolled, home = load_named(name), find_home().ready()
        if force:
            warm.start_parser(enrolled.trial)
        lock = locks.take(home.locks, name)
        try:
            hops = UNTIL_CHECKED if select else None
            if not force and select is None and is_quiet(name, home):
                summary = _run(enrolled, home, LANDING_ONLY, force=False, on_hop=on_hop)
                if summary.status != "success":  # else a file changed just now
                    return summary
            return _run(enrolled, home, hops, force=force, on_hop=on_hop)
        finally:
            lock.release()
    finally:
        warm.end_judge()
        warm.end_parser()


def _run(
    enrolled: "Enrolled", home: Home, hops: tuple[str, ...] | None, *, force: bool, on_hop: OnHop
) -> RunSummary:
    with warm.uninterrupted():
        from pipelines.definitions import build
        from pipelines.execution import execute

    trial, states = enrolled.trial, []

    def note(event: HopEvent) -> None:
        states.append(event.state)
        on_hop(event)

    config = {"ops": {f"{trial.name}__landing": {"config": {"force": force}}}}
    job = build([enrolled], {}).resolve_job_def(trial.name)
    executed = execute(job, home, hops, config, note)
    unexpected = (
        () if executed.succeeded else (SrtError("The run ended without success; `srt ui` shows it."),)
    )
    error = next(iter((*executed.errors, *unexpected)), None)
    quiet = "unchanged" in states or (hops == LANDING_ONLY and not _changed(trial, home))
    status: Status = "failed" if error else "unchanged" if quiet else "success"
    return summary_of(trial, home, executed.run_id, status, error, with_results=hops != UNTIL_CHECKED)


def _changed(trial: "Trial", home: Home) -> bool:
    return bool(store.read_facts(home.store(trial.name, "landing")).get("changed", True))


def summary_of(  # noqa: PLR0913
    trial: "Trial",
    home: Home,
    run_id: str,
    status: Status,
    error: SrtError | None = None,
    *,
    with_results: bool = True,
) -> RunSummary:
    """Return the summary of what is stored; after a failure, only of what is of that run's data."""
    published = store.read_facts(home.store(trial.name, "report"))
    analysed = with_results and (error is None or published.get("run_id") == run_id)
    return RunSummary(
        trial=trial.name,
        run_id=run_id,
        status=status,
        **_standing(trial, home, hashes=store.read_facts(home.store(trial.name, "landing"))),
        **_judged(trial, home, run_id, is_whole_run=error is None),
        primary=published["primary"] if analysed else None,
        report=_existing(home.report(trial.name)) if analysed else None,
        standing_report=_existing(home.report(trial.name)) if is_whole(home.reports(trial.name)) else None,
        files=_files(trial, home) if analysed else dict.fromkeys(NAMED),
        error=error,
    )


def _judged(trial: "Trial", home: Home, run_id: str, *, is_whole_run: bool) -> dict[str, Any]:
    """Return the verdict on the data and its queries, as far as they are of this run's data."""
    checked, asked = (is_whole_run or _is_of_run(hop, trial, home, run_id) for hop in ("checked", "queries"))
    return {
        "forms": store.read_facts(home.store(trial.name, "checked"))["forms"] if checked else [],
        "queries": _queries(trial, home) if asked else {},
        "validation_report": _existing(home.validation(trial.name) / "index.html") if checked else None,
    }


def _files(trial: "Trial", home: Home) -> Mapping[str, str | None]:
    found = named_files(home.reports(trial.name))
    return {key: str(path) if path else None for key, path in found.items()}


def _standing(trial: "Trial", home: Home, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """Return whose arms the run has and how it stands to the trial's lock."""
    found = facts_of_run(home, trial, hashes)
    return {"allocation": found["allocation"], "lock": found["lock"]}


def _is_of_run(hop: str, trial: "Trial", home: Home, run_id: str) -> bool:
    """Say whether what a hop has stored is of the data this run received, by its plan and program."""
    receipt = store.read_facts(home.store(trial.name, "landing"))
    stored = store.read_facts(home.store(trial.name, hop))
    same = bool(stored) and all(receipt.get(name) == stored.get(name) for name in MADE_OF)
    return same and receipt.get("run_id") == run_id


def _queries(trial: "Trial", home: Home) -> Mapping[str, int]:
    """Return how many queries this night's data raise, and how all the trial's queries stand."""
    facts = store.read_facts(home.store(trial.name, "queries"))
    counts, lives = facts["counts"], facts.get("lives", {})
    total = {
        name: sum(c["n"] for c in counts if c["severity"] == name) for name in ("critical", "warning", "info")
    }
    n = sum(c["n"] for c in counts)
    stand = {name: lives.get(name, 0) for name in ("new", "resolved", "overdue")}
    return {"total": n, "open": lives.get("open", n), **total, **stand}


def _existing(path: Path) -> str | None:
    return str(path) if path.exists() else None
