"""`srt queries note`, `answer`, `close`, `reopen`, `assign`, `import`, `history`. Not here: listing (queries)."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.confirming import Yes, confirm
from pipelines.cli.output import counted, note, plain_table, print_json, put, say

if TYPE_CHECKING:
    from data_contracts.spec import Trial
    from pipelines.querybook.people import Done, Wish

QueryId = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so; else the login name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]


def _says(what: str) -> Any:
    return typer.Option("--text", "-t", metavar="TEXT", help=what)


def add_note(
    trial: TrialName,
    query_id: QueryId,
    text: Annotated[str, _says("The note.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Note something beside a query; its status stays.

    ID is the query's, from `srt queries TRIAL`.
    """
    _do(trial, query_id, "note", text, by, as_json=as_json)


def answer(
    trial: TrialName,
    query_id: QueryId,
    text: Annotated[str, _says("The answer.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Keep the site's answer: the query waits for the next delivery.

    ID is the query's, from `srt queries TRIAL`. If the next delivery has it still, it is returned.
    """
    _do(trial, query_id, "answer", text, by, as_json=as_json)


def close(  # noqa: PLR0917
    trial: TrialName,
    query_id: QueryId,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why the value may stay.")],
    by: By = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Accept a value as it is: the query stays closed for as long as the value stays the same.

    ID is the query's, from `srt queries TRIAL`.
    """
    from pipelines.querybook.people import cleaned

    if not cleaned(reason):
        raise typer.BadParameter("say why the value may stay", param_hint="--reason")
    confirm(f"Query {query_id} of {trial} will not be asked again while its value stays as it is.", yes=yes)
    _do(trial, query_id, "close", reason, by, as_json=as_json)


def reopen(
    trial: TrialName,
    query_id: QueryId,
    text: Annotated[str, _says("Why.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Ask again what was answered or resolved.

    ID is the query's, from `srt queries TRIAL`.
    """
    _do(trial, query_id, "reopen", text, by, as_json=as_json)


def assign(
    trial: TrialName,
    query_id: QueryId,
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Who is to settle it.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Give a query to another owner.

    ID is the query's, from `srt queries TRIAL`.
    """
    _do(trial, query_id, "assign", owner, by, as_json=as_json)


def take_answers(
    trial: TrialName,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    by: By = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take a site's answers from FILE (CSV or XLSX), all of them or none.

    FILE has the columns query_id and answer, such as `srt queries TRIAL --xlsx` writes; a column status with
    "resolved" closes a query, the answer being the reason. Lines without an answer are passed over.
    """
    from pipelines.querybook.answers import read_answers

    plan, wishes = load(trial), read_answers(file)
    done = _carry_out(plan, wishes, by, dry_run=dry_run)
    if as_json:
        print_json({"trial": plan.name, "dry_run": dry_run, "changes": [_as_json(one) for one in done]})
        return
    _show_changes(done)
    would = "would be taken; nothing was changed" if dry_run else "taken"
    say(f"{counted(len(done), 'answer')} {would}.")


def history(trial: TrialName, query_id: QueryId, as_json: AsJson = False) -> None:
    """Tell what befell a query: who, when, what.

    ID is the query's, from `srt queries TRIAL`.
    """
    from pipelines.cli.queries import book
    from pipelines.cli.query_table import show_history
    from pipelines.querybook.history import events_of

    plan = load(trial)
    events = events_of(book(plan), plan.name, query_id.strip().lower())
    if events.empty:
        raise _unknown(plan.name, query_id)
    if as_json:
        print_json({"trial": plan.name, "query_id": query_id, "events": events.to_dict("records")})
    else:
        show_history(events)


CHANGES: Mapping[str, tuple[Callable[..., None], str]] = {
    "history": (history, "See"),
    "note": (add_note, "Settle"),
    "answer": (answer, "Settle"),
    "close": (close, "Settle"),
    "reopen": (reopen, "Settle"),
    "assign": (assign, "Settle"),
    "import": (take_answers, "Settle"),
}


def _do(trial: str, query_id: str, deed: Any, text: str, by: str, *, as_json: bool) -> None:
    from pipelines.querybook.people import Wish

    plan = load(trial)
    (done,) = _carry_out(plan, [Wish(query_id, deed, text)], by)
    if as_json:
        print_json({"trial": plan.name, **_as_json(done)})
    else:
        moved = f"{done.before} → {done.after}" if done.before != done.after else f"still {done.after}"
        say(f"{done.query_id}: {PAST[done.deed]}, {moved}")


PAST = {"note": "noted", "answer": "answered", "close": "closed", "reopen": "reopened", "assign": "assigned"}


def _carry_out(
    plan: "Trial", wishes: "Sequence[Wish]", by: str, *, dry_run: bool = False
) -> "tuple[Done, ...]":
    """Log the change, then make it; what can't be done is refused before either."""
    from pipelines.audit import login_name
    from pipelines.cli.queries import book
    from pipelines.querybook.people import carry_out

    who, found, now = by.strip() or login_name(), book(plan), datetime.now(UTC)
    foreseen = carry_out(found, plan.name, wishes, who, now, dry_run=True)
    if dry_run or not wishes:
        return foreseen
    _log(plan, wishes, who)
    return carry_out(found, plan.name, wishes, who, now)


def _log(plan: "Trial", wishes: "Sequence[Wish]", who: str) -> None:
    """Log who changes which queries; of what they say a hash, since it may quote a value."""
    from pipelines import audit
    from pipelines.home import find_home

    said = "\x1e".join(wish.text for wish in wishes).encode("utf-8", "replace")
    audit.record(
        find_home(),
        f"queries: {wishes[0].deed}" if len(wishes) == 1 else "queries: answers imported",
        trial=plan.name,
        who=who,
        why="in the query's history",
        queries=[wish.query_id.strip().lower() for wish in wishes],
        text_sha256=hashlib.sha256(said).hexdigest(),
    )


def _show_changes(done: "Sequence[Done]") -> None:
    from rich.text import Text

    if not done:
        note("No line of the file says anything.")
        return
    table = plain_table("query", "done", "before", "after")
    for one in done:
        table.add_row(*(Text(cell) for cell in (one.query_id, PAST[one.deed], one.before, one.after)))
    put(table)


def _as_json(done: "Done") -> dict[str, str]:
    return {"query_id": done.query_id, "change": done.deed, "from": done.before, "to": done.after}


def _unknown(trial: str, query_id: str) -> Exception:
    from data_contracts.errors import Problem, RequestError

    remedy = f"`srt queries {trial} --status all` lists them."
    return RequestError(
        "There is no such query.", [Problem(f"query {query_id}", "no query", "the id of a query", remedy)]
    )
