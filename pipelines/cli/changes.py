"""`srt changes`: what changed in the accepted records, night by night. Not here: the log (change_log)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import AsJson, Force, TrialName, load
from pipelines.cli.output import counted, note, plain_table, print_json, put, say, shown

if TYPE_CHECKING:
    import pandas as pd
    from rich.text import Text

    from data_contracts.spec import Trial
    from pipelines.change_log import Night

BLANK = "·"  # a cell that held nothing
SHORT = 12
Nights = list[tuple["Night", Path]]

Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only nights from this day on, UTC.")
]
NightRun = Annotated[
    str, typer.Option("--night", metavar="RUN", help="Only this run's, by its id's beginning.")
]
OneForm = Annotated[str, typer.Option("--form", metavar="FORM", help="Only this form's.")]
Person = Annotated[str, typer.Option("--participant", metavar="ID", help="Only this participant's.")]
Limit = Annotated[int, typer.Option(min=0, help="Most rows in the terminal; 0 shows all.")]
ToFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write them as CSV.")]


def changes(
    trial: TrialName,
    *,
    since: Since = None,
    night: NightRun = "",
    form: OneForm = "",
    participant: Person = "",
    limit: Limit = 200,
    csv: ToFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show which accepted values changed from night to night: old, new, whose, by which run.

    TRIAL is a name from `srt trials`. The list shows participants' values: treat it as confidential.
    """
    plan = load(trial)
    if form and form not in plan.forms:
        raise typer.BadParameter(f"{trial} has no form {form!r}; there are: {', '.join(plan.forms)}")
    nights = _nights(plan, since, night)
    frame = _chosen(nights, form, participant)
    if csv is not None:
        _write(frame, csv, force=force)
    if as_json:
        records = frame.astype("object").where(frame.notna(), None).to_dict("records")
        print_json({"trial": trial, "nights": [_as_json(one) for one, _ in nights], "changes": records})
    elif csv is None:
        _show(nights, frame, limit, everything=not (form or participant))
    if not as_json and (untold := _untold(plan)):
        note(
            f"Not told, as the trial is to be blind: changes in {', '.join(untold)}. `srt files` has the exports."
        )


def _untold(plan: "Trial") -> list[str]:
    """Return the forms of which the log says nothing, or only which records changed."""
    if plan.blinding.is_declared_open:
        return []
    from data_contracts.blinding import revealing_forms

    hidden = {*revealing_forms(plan), *(form.name for form in plan.forms_of("allocation"))}
    return [name for name in plan.forms if name in hidden]


def _nights(plan: "Trial", since: datetime | None, run: str) -> Nights:
    """Return the nights asked for; a night that changed nothing is none."""
    from pipelines.change_log import ChangeLog
    from pipelines.custody_records import one_run
    from pipelines.deliveries import read_deliveries
    from pipelines.home import find_home

    home = find_home()
    nights = ChangeLog(home.nights(plan.name), home.store(plan.name, "accepted")).nights()
    if run:
        known = [delivery.run_id for delivery in read_deliveries(home.custody(plan.name))]
        run = one_run([*known, *(night.run_id for night, _ in nights)], run)
    from_then = since.replace(tzinfo=UTC) if since else None
    return [
        (night, folder)
        for night, folder in nights
        if (not run or night.run_id == run)
        and (from_then is None or datetime.fromisoformat(night.time) >= from_then)
    ]


def _chosen(nights: Nights, form: str, participant: str) -> "pd.DataFrame":
    import pandas as pd

    from data_contracts.changes import CHANGE_COLUMNS
    from pipelines.change_log import read_changes

    columns = [*CHANGE_COLUMNS, "run_id", "time"]
    parts = [part for _, folder in nights if len(part := read_changes(folder))]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns, dtype="str")
    frame = frame[frame["form"] == form] if form else frame
    return frame[frame["participant"] == participant] if participant else frame


def _as_json(night: "Night") -> dict[str, object]:
    return {"run_id": night.run_id, "time": night.time, "counts": night.counts, "note": night.note}


def _write(frame: "pd.DataFrame", path: Path, *, force: bool) -> None:
    """Write CSV for a spreadsheet, for its owner's eyes only."""
    from data_contracts.writers.atomic import write_atomically
    from data_contracts.writers.cells import neutralised
    from pipelines.cli.replacing import make_way

    make_way([path], datetime.now(UTC), force=force)
    safe = frame.astype("object").map(lambda value: neutralised(value) if isinstance(value, str) else value)
    write_atomically(path, safe.to_csv(index=False).encode("utf-8-sig"))
    path.chmod(0o600)
    note(f"{counted(len(frame), 'change')} written to {shown(path)}")


def _show(nights: Nights, frame: "pd.DataFrame", limit: int, *, everything: bool) -> None:
    if everything:
        _show_notes(nights)
    if frame.empty:
        say("No changes.")
        return
    shown_rows = frame if limit == 0 else frame.head(limit)
    for (time, run), rows in shown_rows.groupby(["time", "run_id"], sort=False):
        say(f"\n{time[:16].replace('T', ' ')} UTC, run {run[:SHORT]}", "bold")
        _show_rows(rows)
    more = len(frame) - len(shown_rows)
    hint = f"; {more:,} more not shown (--limit 0, --csv FILE)" if more else ""
    say(f"\n{counted(len(frame), 'change')}{hint}", "dim")


def _show_notes(nights: Nights) -> None:
    for night, _ in nights:
        if night.note:
            records = sum(sum(counts.values()) for counts in night.counts.values())
            when = night.time[:16].replace("T", " ")
            say(f"{when} UTC, run {night.run_id[:SHORT]}: {counted(records, 'record')}, {night.note}.")


def _show_rows(rows: "pd.DataFrame") -> None:
    has_other_keys = bool((rows["record"] != _usual_key(rows)).any())
    headers = [
        "form",
        "participant",
        "visit",
        *(["record"] if has_other_keys else []),
        "column",
        "old",
        "new",
    ]
    table = plain_table(*headers)
    for row in rows.to_dict("records"):
        table.add_row(*_cells(row, headers))
    put(table)


def _usual_key(rows: "pd.DataFrame") -> "pd.Series":
    """Return the record key where it is participant and visit, or the participant alone."""
    both = rows["participant"] + " · " + rows["visit"]
    return both.where(rows["visit"] != "", rows["participant"])


def _cells(row: dict[str, object], headers: list[str]) -> "list[Text]":
    from rich.text import Text

    from data_contracts.changes import CHANGED

    is_cell = row["change"] == CHANGED and bool(row["column"])
    values = {} if is_cell else {"old": "", "new": "", "column": _of_no_cell(row)}
    return [Text(_text({**row, **values}[name])) for name in headers]


def _of_no_cell(row: dict[str, object]) -> str:
    """Return what happened to a record or a column; of a blind trial's arms only that something did."""
    return f"{row['column']} ({row['change']})".strip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else BLANK
