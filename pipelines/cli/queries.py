"""`srt queries`: what to ask the sites, listed or taken elsewhere. Not here: changing queries (query_changes)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pipelines.cli.arguments import AsJson, Force, TrialName, load
from pipelines.cli.output import counted, note, print_json, say, shown
from pipelines.cli.query_changes import CHANGES

if TYPE_CHECKING:
    import click
    import pandas as pd

    from data_contracts.spec import Trial
    from pipelines.querybook.book import Book

LIST = "list"
HELP_ASKED = {"-h", "--help"}
SEVERITIES = ("critical", "warning", "info")
EVERY = "all"
FILTERED = ("form", "site", "owner", "severity", "participant", "rule")
PATIENCE = 90.0  # seconds a person waits for a book that is in use


class ListByDefault(TyperGroup):
    """`srt queries TRIAL` is `srt queries list TRIAL`."""

    def parse_args(self, ctx: "click.Context", args: list[str]) -> list[str]:
        """Put the command's name before anything that names no command."""
        if args and args[0] not in self.commands and args[0] not in HELP_ASKED:
            args = [LIST, *args]
        return super().parse_args(ctx, args)


queries = typer.Typer(
    cls=ListByDefault,
    no_args_is_help=True,
    help="List and settle what is to be asked of the sites: `srt queries TRIAL` lists.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
Only = typer.Option
ToFile = Annotated[Path | None, Only("--csv", metavar="FILE", help="Write CSV, with a column to answer in.")]
ToSheet = Annotated[Path | None, Only("--xlsx", metavar="FILE", help="Write a workbook, a sheet per site.")]
ToSites = Annotated[Path | None, Only("--by-site", metavar="FOLDER", help="Write a workbook for each site.")]


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where a list goes besides the terminal."""

    csv: Path | None
    xlsx: Path | None
    folder: Path | None
    force: bool

    @property
    def is_a_file(self) -> bool:
        """Return whether anything is to be written."""
        return any((self.csv, self.xlsx, self.folder))


@queries.command(LIST, rich_help_panel="See")
def list_(  # noqa: PLR0917
    trial: TrialName,
    form: Annotated[str | None, Only(help="Only this form's.")] = None,
    site: Annotated[str | None, Only(help="Only this site's.")] = None,
    owner: Annotated[str | None, Only(help="Only this owner's.")] = None,
    severity: Annotated[str | None, Only(help="critical, warning or info.")] = None,
    status: Annotated[
        list[str] | None, Only(help="new, open, answered, returned, resolved, or all; more than once.")
    ] = None,
    participant: Annotated[str | None, Only(help="Only about this participant.")] = None,
    rule: Annotated[str | None, Only(help="Only of rules with this in their name.")] = None,
    overdue: Annotated[bool, Only("--overdue", help="Only those too long without an answer.")] = False,
    since: Annotated[
        datetime | None, Only(formats=["%Y-%m-%d"], help="Only those asked (again) since this day, UTC.")
    ] = None,
    query_id: Annotated[str | None, Only("--id", help="Only this one, with all that is known.")] = None,
    limit: Annotated[int, Only(min=0, help="Most rows in the terminal; 0 shows all.")] = 200,
    csv: ToFile = None,
    xlsx: ToSheet = None,
    by_site: ToSites = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """List a trial's queries, those not resolved unless asked otherwise.

    TRIAL is a name from `srt trials`. The list shows values as found: treat it as confidential.
    """
    wanted = {"form": form, "site": site, "owner": owner, "severity": severity, "participant": participant}
    outlet = Outlet(csv, xlsx, by_site, force)
    _check_words(severity, status)
    plan = load(trial)
    table = all_queries(plan)
    kept = chosen(table, {**wanted, "rule": rule}, _statuses(status, query_id), query_id)
    kept = kept[kept["overdue"]] if overdue else kept
    kept = kept[kept["asked"] >= since.replace(tzinfo=UTC)] if since else kept
    if kept.empty:
        _tell_what_there_is(table, {**wanted, "rule": rule}, query_id)
    if outlet.is_a_file:
        _write(kept, outlet, plan)
    if as_json:
        print_json({"trial": plan.name, "counts": counts_of(table), "queries": records_of(kept)})
    elif not outlet.is_a_file:
        _show(plan, table, kept, limit, detailed=query_id is not None)


def all_queries(plan: "Trial") -> "pd.DataFrame":
    """Return all queries of a trial.

    Raises:
        ReadError: the trial was never checked.
        StorageError: the book can't be read.
    """
    from pipelines.querybook.listing import list_queries

    return list_queries(book(plan), plan.name, datetime.now(UTC), plan.queries.overdue_after_days)


def book(plan: "Trial") -> "Book":
    """Return the query book, which must be there.

    Raises:
        ReadError: no trial was ever checked.
    """
    from data_contracts.errors import Problem, ReadError
    from pipelines.home import find_home
    from pipelines.querybook.address import address_of
    from pipelines.querybook.book import Book

    found = Book(
        address_of(find_home()), PATIENCE, on_wait=lambda: note("The query book is in use; waiting …")
    )
    if not found.exists():
        remedy = f"`srt check {plan.name}` makes them."
        raise ReadError(
            "There are no queries yet.", [Problem(str(found.address), "no query book", "one", remedy)]
        )
    return found


def chosen(
    table: "pd.DataFrame", wanted: dict[str, str | None], statuses: set[str], query_id: str | None
) -> "pd.DataFrame":
    """Return the rows that have all wanted values; letters' case does not matter, of a rule a part will do."""
    kept = table[table["status"].isin(statuses)]
    if query_id is not None:
        kept = kept[kept["query_id"] == query_id.strip().lower()]
    for column, value in wanted.items():
        if value is not None:
            found, asked = kept[column].str.lower(), value.strip().lower()
            kept = kept[found.str.contains(asked, regex=False) if column == "rule" else found == asked]
    return kept


def counts_of(table: "pd.DataFrame") -> dict[str, int]:
    """Return how all queries of a trial stand."""
    from data_contracts.query_life import STATUSES

    stand = table["status"].value_counts()
    return {
        "total": len(table),
        **{name: int(stand.get(name, 0)) for name in STATUSES},
        "overdue": int(table["overdue"].sum()),
    }


def records_of(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as JSON values."""
    import pandas as pd

    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _check_words(severity: str | None, status: list[str] | None) -> None:
    from data_contracts.query_life import STATUSES

    if severity is not None and severity.lower() not in SEVERITIES:
        raise typer.BadParameter(f"choose from {', '.join(SEVERITIES)}", param_hint="--severity")
    if wrong := [s for s in status or () if s.lower() not in {*STATUSES, EVERY}]:
        raise typer.BadParameter(
            f"{wrong[0]!r} is none of {', '.join(STATUSES)}, {EVERY}", param_hint="--status"
        )


def _statuses(status: list[str] | None, query_id: str | None) -> set[str]:
    from data_contracts.query_life import STATUSES, UNRESOLVED

    asked = {one.lower() for one in status or ()}
    if EVERY in asked or (not asked and query_id is not None):
        return set(STATUSES)
    return asked or set(UNRESOLVED)


def _tell_what_there_is(table: "pd.DataFrame", wanted: dict[str, str | None], query_id: str | None) -> None:
    """Name the values there are of what was asked for in vain; on stderr, an empty answer being no error."""
    if query_id is not None and query_id.strip().lower() not in set(table["query_id"]):
        note(f"No query has the id {query_id}.")
    for column, value in wanted.items():
        known = sorted({one for one in table[column] if one})
        if value is not None and not any(value.strip().lower() in one.lower() for one in known):
            several = ", ".join(known[:20]) + (" …" if len(known) > 20 else "")
            note(f"No {column} is named {value!r}; there are: {several or 'none'}")


def _write(kept: "pd.DataFrame", outlet: Outlet, plan: "Trial") -> None:
    """Write the files asked for: all of them can be written, or none is."""
    from data_contracts.writers.atomic import write_atomically
    from pipelines.cli.replacing import make_way
    from pipelines.querybook import sheets

    made, title = datetime.now(UTC), f"Queries of {plan.name}"
    files: dict[Path, bytes] = {}
    if outlet.csv:
        files[outlet.csv] = sheets.csv_bytes(kept)
    if outlet.xlsx:
        files[outlet.xlsx] = sheets.xlsx_bytes(kept, title, made)
    if outlet.folder:
        files |= sheets.write_by_site(kept, outlet.folder, title, made)
    make_way(files, made, force=outlet.force)
    for path, content in files.items():
        write_atomically(path, content)
        path.chmod(0o600)  # they show values
        say(f"{shown(path)}", stderr=True)
    note(f"{counted(len(kept), 'query', 'queries')}; values as found are in it: treat it as confidential.")


def _show(plan: "Trial", table: "pd.DataFrame", kept: "pd.DataFrame", limit: int, *, detailed: bool) -> None:
    from pipelines.cli.query_table import show_list, show_one

    if detailed and len(kept) == 1:
        show_one(kept.iloc[0])
    elif len(kept):
        show_list(kept.head(limit) if limit else kept)
    stand = counts_of(table)
    said = ", ".join(f"{stand[name]:,} {name}" for name in stand if name != "total" and stand[name])
    say(
        f"\n{counted(len(kept), 'query', 'queries')} of {stand['total']:,} in {plan.name}: {said or 'none'}",
        "dim",
    )
    if limit and len(kept) > limit:
        say(f"The first {limit:,} are shown; --limit 0 shows all, --csv and --xlsx hold all.", "yellow")


for name, (command, panel) in CHANGES.items():
    queries.command(name, rich_help_panel=panel)(command)
