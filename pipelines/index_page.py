"""The index page: gathered from the state folder, and written. Not here: drawing it (analysis.reporting)."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import StorageError
from data_contracts.standing import MARK, SHUFFLED, marked, not_as_locked, said_in_name
from data_contracts.writers.atomic import write_atomically
from pipelines import locks, store
from pipelines.home import Home
from pipelines.last_run import Ending, LastRun, end, is_news

if TYPE_CHECKING:
    from analysis.reporting.index import Asked, Outcome, TrialLine
    from data_contracts.spec import Trial
    from pipelines.lock import Deed
    from pipelines.standings import Standing

LOG = logging.getLogger("srt")
PATIENCE = 30.0  # seconds another process may take to write the page
BOOK_PATIENCE = 2.0  # seconds the query book may be held
OUTCOMES: "Mapping[str, Outcome]" = {
    "done": "published", "withheld": "withheld", "failed": "failed", "not estimated": "not estimated",
    "checked": "checked", "under way": "under way", "never run": "never run", "no data": "no data",
    "plan error": "plan error", "damaged": "damaged",
}  # fmt: skip
PAGES = {  # what a trial may have
    "Report": "report.html",
    "Report (Word)": "report.docx",
    "Open report": "open/report-open.html",
    "Open report (Word)": "open/report-open.docx",
    "Validation report": "validation/index.html",
}
STATES = {"open": "not blinded", "blinded": "blinded"}
ALLOCATIONS = {"open": "open", "blinded": SHUFFLED, "locked": SHUFFLED, "unblinded": "true"}  # next run
BY_ARM = ("Report", "Report (Word)")
REMEDIES: "Mapping[str, str]" = {
    "withheld": "The last run’s data are withheld from analysis; the validation report says why.",
    "failed": "The last run ended without a result. The validation report or the run’s page in Dagster says why.",
    "damaged": "What is stored of it can’t be read. `srt doctor` looks at disk and rights; a new run mends it.",
}
NOT_SHOWN = "The last result is of the true allocation, and this trial is blinded now. Run it again."
UNCLEAR = "Where this trial stands is not vouched for, so no result of the true allocation is shown."


def index_path(home: Home) -> Path:
    """Return the path of the page."""
    return home.root / "reports" / "index.html"


def keep_index(home: Home, ending: Ending, before: Mapping[str, LastRun | None]) -> None:
    """Note how a run ended, and write the page anew if that is news; trouble is logged and stops no run."""
    try:
        end(home, ending)
    except Exception as error:  # noqa: BLE001 - the run is over, and its result stands whatever a note meets
        LOG.warning("How the run ended was not noted: %s.", type(error).__name__)
    if is_news(ending, before) or not index_path(home).exists():
        refresh_index(home)


def refresh_index(home: Home) -> None:
    """Write the page anew after somebody changed how a trial stands; trouble is logged and undoes nothing."""
    try:
        write_index(home)
    except Exception as error:  # noqa: BLE001 - what was asked for is done
        LOG.warning(
            "The index page was not written: %s. `srt trials --page` writes it.", type(error).__name__
        )


def write_index(home: Home) -> Path:
    """Write the page anew, one process at a time, and return its path.

    Raises:
        BusyError: another process has been writing it for longer than half a minute.
        StorageError: it can't be written.
    """
    lock = locks.take(home.locks, "index", PATIENCE)
    try:  # gathered under the lock: whoever writes last has seen what the others stored
        write_atomically(index_path(home), index_page(home).encode())
    finally:
        lock.release()
    return index_path(home)


def index_page(home: Home, runs: str = "") -> str:
    """Return the page of how all trials stand now; `runs` is what `analysis.reporting.index.render_index` takes."""
    from analysis.reporting.index import render_index

    now = datetime.now(UTC)
    return render_index(trial_lines(home, now), now, runs)


def trial_lines(home: Home, now: datetime) -> "list[TrialLine]":
    """Return a line per trial; of one that can't be made out, a line that says so."""
    from data_contracts.load import trial_files

    return [_told(home, name, path, now) for name, path in trial_files().items()]


def _told(home: Home, name: str, path: Path, now: datetime) -> "TrialLine":
    from analysis.reporting.index import TrialLine
    from pipelines.standings import standing_of

    try:
        return _line(home, *standing_of(name, path, home), now)
    except Exception as error:  # noqa: BLE001 - the other trials are as well as before
        trouble = f"{REMEDIES['damaged']} ({type(error).__name__})"
        return TrialLine(name, name, "damaged", _is_shipped(path), trouble=(trouble,))


def _line(home: Home, standing: "Standing", trial: "Trial | None", now: datetime) -> "TrialLine":
    from analysis.reporting.index import TrialLine

    outcome, shipped = OUTCOMES[standing.status], _is_shipped(standing.file)
    if trial is None:
        listed = f"`srt check {standing.trial}` lists them."
        mistakes = "1 mistake" if standing.mistakes == 1 else f"{standing.mistakes} mistakes"
        trouble = (f"Its file has {mistakes}, and nothing of it runs. {listed}",)
        return TrialLine(standing.trial, standing.trial, outcome, shipped, trouble=trouble)
    return TrialLine(
        standing.trial,
        standing.title,
        outcome,
        shipped,
        trial.synthetic,
        trouble=tuple(_trouble(home, standing)),
        last_run=standing.last_run,
        run_id=standing.run_id,
        blinding=_blinding(home, trial, standing.state),
        queries=_asked(home, trial, now),
        **_result(home, standing),
    )


def _is_shipped(path: Path) -> bool:
    from data_contracts.load import SHIPPED_TRIALS

    return path.parent == SHIPPED_TRIALS


def _trouble(home: Home, standing: "Standing") -> Iterator[str]:
    """Yield what is wrong with a trial, a sentence each."""
    if standing.status in REMEDIES:
        yield REMEDIES[standing.status]
    if standing.status == "withheld":
        yield from store.read_facts(home.store(standing.trial, "checked")).get("reasons", ())
    if standing.silent_days is not None:
        yield f"No new data for {standing.silent_days} days when this page was made."


def _blinding(home: Home, trial: "Trial", state: str) -> str:
    """Return where a trial stands, and who locked and unblinded it when."""
    from pipelines.lock import standing

    if state == "unclear":
        return "unclear: `srt audit --verify` says what is wrong"
    found = standing(home, trial.name)
    deeds = [_deed("locked", found.lock), _deed("unblinded", found.unblinding)]
    # The state is a word of its own only where no deed has said it.
    return ", ".join([*filter(None, [STATES.get(state), *deeds])])


def _deed(what: str, deed: "Deed | None") -> str:
    return f"{what} on {deed.time[:10]} by {deed.by}" if deed else ""


def _asked(home: Home, trial: "Trial", now: datetime) -> "Asked | None":
    """Return a trial's unresolved queries; None where the book can't be read now."""
    from analysis.reporting.index import Asked
    from data_contracts.query_life import UNRESOLVED
    from pipelines.querybook.book import open_book
    from pipelines.querybook.counts import standing

    book, counted = open_book(home, BOOK_PATIENCE), Counter[str]()
    if not book.exists():
        return Asked()
    try:
        rows = book.read(lambda c: standing(c, trial.name, now, trial.queries.overdue_after_days))
    except StorageError:
        return None
    for row in rows:
        counted[row["severity"]] += sum(int(row[status]) for status in UNRESOLVED)
    return Asked(counted, sum(int(row["overdue"]) for row in rows))


def _result(home: Home, standing: "Standing") -> dict[str, Any]:
    """Return what the page says of a trial's published result.

    No more than its report does, and nothing of the true arms of a trial that is blinded now.
    """
    facts = {} if standing.status == "damaged" else store.read_facts(home.store(standing.trial, "report"))
    allocation = str(facts.get("allocation", "true")) if facts else ""  # tables older than blinding are true
    hidden = allocation == "true" and standing.state in {"blinded", "locked", "unclear"}
    links = dict(_links(home, standing.trial, "hidden" if hidden else allocation))
    if not facts or hidden:
        why = "" if not facts else UNCLEAR if standing.state == "unclear" else NOT_SHOWN
        said = {"no_result": why or _what_first(standing), "links": links}
        return {**said, "allocation": ALLOCATIONS.get(standing.state, "")}
    return {
        "allocation": "open" if standing.state == "open" else allocation,
        "headlines": tuple(_marked(one["sentence"], allocation) for one in facts.get("headlines", ())),
        "result_time": _stored(home.store(standing.trial, "report") / store.MANIFEST),
        "not_as_locked": not_as_locked(facts.get("lock") or {}),
        "links": links,
    }


def _what_first(standing: "Standing") -> str:
    """Return what gives a trial its first result."""
    runs = f"`srt run {standing.trial}` makes its first report."
    waits = f"Its exports are to arrive in landing/{standing.trial}."
    return {"never run": runs, "no data": runs if _is_shipped(standing.file) else waits}.get(
        standing.status, ""
    )


def _marked(sentence: str, allocation: str) -> str:
    return sentence if sentence.startswith(MARK) else marked(sentence, allocation)


def _stored(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _links(home: Home, trial: str, allocation: str) -> Iterator[tuple[str, str]]:
    """Yield the pages a trial has; of a result that is not shown, those alone that tell no arm."""
    for text, plain in PAGES.items():
        if allocation == "hidden" and text in BY_ARM:
            continue
        name = said_in_name(plain, allocation) if text in BY_ARM else plain
        if (home.reports(trial) / name).is_file():
            yield text, f"{trial}/{name}"
