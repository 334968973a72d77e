"""What a run came to, as text or as JSON. Not here: running it, or the one error handler (__main__)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.standing import MARK, SHUFFLED, not_as_locked
from pipelines.cli.failures import of_srt_error
from pipelines.cli.output import put, say, shown

if TYPE_CHECKING:
    from data_contracts.spec import Trial
    from pipelines.run import RunSummary

OF_A_CHECK = ("trial", "run_id", "status", "forms", "queries", "validation_report", "allocation", "lock")


def as_json(summary: "RunSummary", *, checked_only: bool = False) -> dict[str, Any]:
    """Return the JSON object of a run or a check; a failed one has its error, and the family as status."""
    whole = summary.as_json()
    told = {key: whole[key] for key in OF_A_CHECK} if checked_only else whole
    return told if summary.error is None else {**told, **of_srt_error(summary.error).as_json(summary.trial)}


def show(summary: "RunSummary", plan: "Trial") -> None:
    """Print the headline, the records, the queries and the paths; what there is of them."""
    rows = [*_records(summary), *_paths(summary)]
    if summary.status == "unchanged":
        say("\nNothing has changed since the last report; this is its result.")
    if summary.primary is not None:
        _show_headline(plan)
    elif summary.allocation == SHUFFLED:
        say(f"\n{MARK}", "bold yellow")
    if loud := not_as_locked(summary.lock):
        say(f"\n{loud}", "bold red")
    if rows:
        say()
    for label, text in rows:
        say(f"  {label:<9}{text}")


def _show_headline(plan: "Trial") -> None:
    """Print the sentence the report opens with, for each comparison with the reference arm."""
    from rich.text import Text

    from pipelines.home import find_home
    from pipelines.store import read_facts

    for headline in read_facts(find_home().store(plan.name, "report"))["headlines"]:
        say()
        put(Text(headline["sentence"], style="bold"))
        if headline["detail"]:
            put(Text(headline["detail"]))


def _records(summary: "RunSummary") -> list[tuple[str, str]]:
    rows = [("records", _form(form)) for form in summary.forms]
    if summary.queries:
        rows.append(("queries", _queries(summary.queries)))
    return [
        ("" if number and label == "records" else label, text) for number, (label, text) in enumerate(rows)
    ]


def _form(form: Mapping[str, Any]) -> str:
    aside = f", {form['quarantined']:,} set aside" if form["quarantined"] else ""
    return f"{form['form']}: {form['accepted']:,} of {form['rows_in']:,} accepted{aside}"


def _queries(queries: Mapping[str, int]) -> str:
    parts = [f"{queries[name]:,} {name}" for name in ("critical", "warning", "info") if queries.get(name)]
    stand = [f"{queries[name]:,} {name}" for name in ("new", "overdue") if queries.get(name)]
    if not parts:
        return "none"
    return "; ".join([f"{queries['total']:,}: {', '.join(parts)}", *([", ".join(stand)] if stand else [])])


def _paths(summary: "RunSummary") -> list[tuple[str, str]]:
    places = {
        "report": summary.report,
        "word": summary.files["report_word"],
        "open": summary.files["open_report"],
        "checks": summary.validation_report,
    }
    rows = [(label, shown(Path(place))) for label, place in places.items() if place]
    if summary.standing_report and not summary.report and summary.error:
        rows.append(("stands", f"{shown(Path(summary.standing_report))} (the report of an earlier run)"))
    return [*rows, ("run", f"{summary.run_id} (`srt ui` shows it)")] if rows else rows
