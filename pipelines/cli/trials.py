"""`srt trials`: every trial there is, and how it stands. Not here: a trial's content (data_contracts)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.arguments import AsJson
from pipelines.cli.output import counted, out, plain_table, print_json, put, say, shown

if TYPE_CHECKING:
    from rich.text import Text

    from data_contracts.spec import Trial
    from pipelines.home import Home

WIDE = 110  # columns of a terminal from which there is room for titles and files
STYLES = {"done": "green", "withheld": "bold red", "not estimated": "yellow", "plan error": "bold red"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A trial in one line; with mistakes in its file, only their count."""

    trial: str
    file: Path
    status: str  # no data, never run, checked, done, withheld, not estimated, plan error
    title: str = ""
    arms: tuple[str, ...] = ()
    outcome: str = ""
    visit: str = ""
    landing: str = ""
    last_run: datetime | None = None  # UTC
    mistakes: int = 0
    silent_days: int | None = None  # without new data, where that is longer than the trial expects
    state: str = ""  # open, blinded, locked, unblinded; "" where the trial's file has mistakes


def trials(as_json: AsJson = False) -> None:
    """List the trials: arms, primary outcome, last run, how it ended."""
    from data_contracts.load import trial_files
    from pipelines.home import find_home

    home = find_home()
    standings = [_standing(name, path, home) for name, path in trial_files().items()]
    if as_json:
        print_json({"trials": [asdict(standing) for standing in standings]})
        return
    put(_table(standings, wide=out().width >= WIDE))
    say()
    for one in standings:
        if one.mistakes:
            say(f"`srt check {one.trial}` lists the mistakes in {shown(one.file)}.", "yellow")
    say(f"Exports arrive in {shown(home.root / 'landing')}/TRIAL", "dim")


def _standing(name: str, path: Path, home: "Home") -> Standing:
    from data_contracts.errors import PlanError
    from pipelines.trials import load_named

    try:
        trial = load_named(name).trial
    except PlanError as error:
        return Standing(name, path, "plan error", mistakes=max(1, len(error.problems)))
    return Standing(
        name,
        path,
        _status(home, name),
        trial.title,
        tuple(arm.code for arm in trial.arms),
        trial.outcomes[trial.primary.outcome].label,
        _visit(trial),
        str(home.landing(name)),
        _last_run(home, name),
        silent_days=_silent_days(home, trial, path),
        state=_state(home, trial),
    )


def _silent_days(home: "Home", trial: "Trial", path: Path) -> int | None:
    """Return for how long no new data have come; None while they are on time, and for a shipped example."""
    from data_contracts.load import SHIPPED_TRIALS
    from pipelines.data_age import silence

    stale = None if path.parent == SHIPPED_TRIALS else silence(trial, home)
    return round(stale.days) if stale else None


def _state(home: "Home", trial: "Trial") -> str:
    """Return whether a trial is blinded, locked or unblinded; "unclear" when nothing vouches for it."""
    from data_contracts.errors import StorageError
    from pipelines.lock import standing

    try:
        return standing(home, trial.name).state_of(trial)
    except StorageError:
        return "unclear"


def _visit(trial: "Trial") -> str:
    return next(visit.label for visit in trial.visits if visit.code == trial.primary.visit)


def _status(home: "Home", trial: str) -> str:
    from pipelines.cli.data import arrived

    verdict, published = _facts(home, trial, "checked"), _facts(home, trial, "report")
    if verdict.get("withheld"):
        return "withheld"
    if published:
        return "done" if published.get("estimated") else "not estimated"
    if verdict:
        return "checked"
    return "never run" if arrived(home.landing(trial)) else "no data"


def _facts(home: "Home", trial: str, hop: str) -> Mapping[str, Any]:
    from pipelines.store import read_facts

    return read_facts(home.store(trial, hop))


def _last_run(home: "Home", trial: str) -> datetime | None:
    """Return when the first hop last stored its receipt, which it does in every run."""
    receipt = home.store(trial, "landing") / "manifest.json"
    return datetime.fromtimestamp(receipt.stat().st_mtime, UTC) if receipt.is_file() else None


def _table(standings: list[Standing], *, wide: bool) -> Any:
    """Return a row per trial; where there is room, with its title and its file."""
    headers = ("trial", "arms", "primary outcome", "last run", "status", "blinding")
    table = plain_table(*headers, "file") if wide else plain_table(*headers)
    for one in standings:
        cells = _cells(one, wide=wide)
        table.add_row(*(cells if wide else cells[:-1]))
    return table


def _cells(one: Standing, *, wide: bool) -> "tuple[Text, ...]":
    from rich.text import Text

    name = Text(one.trial, style="bold")
    if wide and one.title:
        name.append(f"\n{one.title}", style="not bold dim")
    when = f"{one.last_run.astimezone():%Y-%m-%d %H:%M}" if one.last_run else ""
    primary = f"{one.outcome}, {one.visit}" if one.outcome else ""
    status = counted(one.mistakes, "mistake") if one.mistakes else one.status
    state = Text(status, style=STYLES.get(one.status, "dim"))
    if one.silent_days is not None:
        state.append(f"\nno new data for {one.silent_days} days", style="yellow")
    return (
        name,
        Text(", ".join(one.arms)),
        Text(primary),
        Text(when),
        state,
        Text(one.state, style="dim"),
        Text(_file(one.file), style="dim"),
    )


def _file(path: Path) -> str:
    from data_contracts.load import SHIPPED_TRIALS

    return "shipped" if path.parent == SHIPPED_TRIALS else shown(path)
