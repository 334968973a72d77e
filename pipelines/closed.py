"""The closed report, by arms under letters, for a data monitoring committee. Not here: its content (analysis).

Of a blinded trial the plan is run on the true allocation, in memory; nothing of it reaches the store or the reports.
"""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.carried import allocation_of, carried
from assets.gate import admit
from data_contracts.errors import Problem, StorageError
from data_contracts.spec import Trial
from data_contracts.standing import WORDS
from data_contracts.tables import Tables
from data_contracts.writers.together import write_together
from pipelines import audit, locks, store
from pipelines.blinding import SHUFFLE, held_apart
from pipelines.diary import BEGAN
from pipelines.home import Home
from pipelines.keys import secret_key
from pipelines.lock import facts_of_run
from pipelines.rights import only_mine, private_folder

if TYPE_CHECKING:
    import pandas as pd

    from analysis.reporting.content import ReportContent
    from data_contracts.forms import ReadForm

ASKED, MADE, LETTERS = "closed report asked for", "closed report made", "letters"
PATIENCE = 5.0  # seconds to wait for a run that is under way


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a closed report, for what, and when."""

    by: str
    why: str
    time: datetime  # UTC


def closed_report(home: Home, trial: Trial, asked: Asked) -> tuple[Path, ...]:
    """Write the closed report of what was last accepted, and return its files, the page first.

    The audit log has who asked before anything is read, and what was written once it is.

    Raises:
        StorageError: there is no finished run, plan or program are not those it had, what is held apart is of another
            one, or nothing can be written.
        BusyError: a run of the trial is under way.
    """
    from analysis.reporting.audiences.closed import closed_content

    hold = locks.take(home.locks, trial.name, PATIENCE)
    try:
        accepted = _accepted(home, trial)
        said = {"trial": trial.name, "who": asked.by, "why": asked.why, **_hashes(accepted.facts)}
        audit.record(home, ASKED, **said)
        content = closed_content(
            _content(home, trial, accepted, asked), secret_key(home, trial.name, LETTERS)
        )
        files = _files(content)
        paths = write_closed(home.closed(trial.name), files)
        audit.record(home, MADE, **said, files={n: hashlib.sha256(d).hexdigest() for n, d in files.items()})
    finally:
        hold.release()
    return paths


def _accepted(home: Home, trial: Trial) -> Tables:
    """Return the accepted records, of a finished run of this plan with this program."""
    accepted = store.read_tables(home.store(trial.name, "accepted"))
    _unchanged(trial, accepted.facts)
    admit(trial.name, accepted.facts, store.read_facts(home.store(trial.name, "checked")))
    return accepted


def _unchanged(trial: Trial, facts: Mapping[str, Any]) -> None:
    """Refuse to run another plan, or with another program, than the records were accepted by: hashes would be untrue.

    Raises:
        StorageError: one of them has changed.
    """
    from assets.source_version import EVERYTHING, source_version

    now = {"plan_hash": trial.plan_hash, "code_version": source_version(EVERYTHING)}
    changed = [WORDS[name] for name, hash_ in now.items() if facts.get(name) != hash_]
    if changed:
        remedy = f"`srt run {trial.name}` first."
        problems = [Problem(what, "another than of the last run", "the same", remedy) for what in changed]
        have = f"{' and '.join(changed)} changed since the last run"
        raise StorageError(f"The closed report of {trial.name} can't be made: {have}.", problems)


def _hashes(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("data_hash", "plan_hash", "code_version")}


def _content(home: Home, trial: Trial, accepted: Tables, asked: Asked) -> "ReportContent":
    from analysis.reporting.content import ReportContent

    results, notes = _results(home, trial, accepted)
    checked = store.read_tables(home.store(trial.name, "checked")).frames
    made = {"time": asked.time, "triggered_by": asked.by, "reason": asked.why, "seed": trial.seed}
    lock = facts_of_run(home, trial, accepted.facts)["lock"]  # as it stands now, not as of that night
    running = {**_software(), "run_id": _run_of(home, trial, accepted.facts)}
    provenance = {**_hashes(accepted.facts), "lock": lock, **made, **running}
    return ReportContent(
        trial=trial,
        results=results,
        counts=checked["counts"],
        findings=checked["findings"],
        queries=_no_queries(),
        provenance=provenance,
        notes=notes,
    )


def _software() -> dict[str, Any]:
    from importlib.metadata import version

    from assets.report import PACKAGES

    packages = {name: version(name) for name in PACKAGES}
    return {"packages": packages, "python": platform.python_version(), "platform": platform.platform()}


def _run_of(home: Home, trial: Trial, accepted: Mapping[str, Any]) -> str:
    """Return the last run of the data, plan and program that were accepted; "" where the audit log has none."""
    made_of = _hashes(accepted)
    began = (entry.facts for entry in audit.listed(home, trial.name) if entry.what == BEGAN)
    runs = [facts["run_id"] for facts in began if made_of.items() <= facts.items()]
    return str(runs[-1]) if runs else ""


def _no_queries() -> "pd.DataFrame":
    """Return no query: the closed report says nothing of them."""
    import pandas as pd

    return pd.DataFrame(columns=["form", "severity", "state", "n", "oldest_days"])


def _results(home: Home, trial: Trial, accepted: Tables) -> tuple["pd.DataFrame", tuple[str, ...]]:
    """Return the results on the true allocation, and what was left aside for them."""
    if allocation_of(accepted.facts) == "true":
        results = store.read_tables(home.store(trial.name, "results"))
        _same(accepted.facts, results.facts, trial)
        notes = store.read_facts(home.store(trial.name, "analysis_set")).get("notes", ())
        return results.frames["results"], tuple(notes)
    from analysis.derive.analysis_set import build_analysis_set
    from analysis.estimators.plan import run_analyses

    derived = build_analysis_set(true_records(home, trial, accepted), trial)
    return run_analyses(derived.frame, trial, derived.course), tuple(derived.notes)


def true_records(home: Home, trial: Trial, accepted: Tables) -> dict[str, "pd.DataFrame"]:
    """Return the accepted records of a blinded trial as they truly are, in memory alone.

    Raises:
        StorageError: what is held apart is not of the accepted records.
    """
    from data_contracts.blinding import blinded
    from data_contracts.readers.store import forms_from_tables

    raw, apart = store.read_tables(home.store(trial.name, "raw")), held_apart(home, trial.name, "raw")
    for other in (raw, apart):
        _same(accepted.facts, other.facts, trial)
    forms: dict[str, ReadForm] = {**forms_from_tables(raw), **forms_from_tables(apart)}
    moved = blinded(forms, trial, secret_key(home, trial.name, SHUFFLE)).rows
    return {
        name: forms[name].values.loc[_rows(frame, moved.get(name))] for name, frame in accepted.frames.items()
    }


def _rows(accepted: "pd.DataFrame", moved: Mapping[int, int] | None) -> list[int]:
    """Return the rows in the file of accepted records, of which those of therapy have moved."""
    here = [int(row) for row in accepted.index]
    if moved is None:
        return here
    back = {to: of for of, to in moved.items()}
    return sorted(back[row] for row in here)


def _same(accepted: Mapping[str, Any], other: Mapping[str, Any], trial: Trial) -> None:
    if carried(accepted) != carried(other):
        problem = Problem(
            trial.name, "tables of different runs", "those of one run", f"`srt run {trial.name}`."
        )
        raise StorageError(f"The closed report of {trial.name} can't be made.", [problem])


def _files(content: "ReportContent") -> Mapping[str, bytes]:
    from analysis.reporting.document import make_report
    from analysis.reporting.exports.files import results_csv
    from analysis.reporting.html import render_html
    from analysis.reporting.word import render_word

    report = make_report(content)
    return {
        "report-closed.html": render_html(report).encode(),
        "report-closed.docx": render_word(report),
        "results-closed.csv": results_csv(content.results),
    }


def write_closed(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write the files of a closed report together, for their owner alone, and return their paths, the page first.

    Args:
        folder: The trial's folder of closed reports.
        files: Contents by name, the page first.

    Raises:
        StorageError: they can't be written.
    """
    private_folder(folder.parent)
    private_folder(folder)
    # The page names the checksum of the table beside it: the old one is taken away first, the new one put there last.
    write_together(folder, dict(reversed(list(files.items()))), lambda _: only_mine())
    return tuple(folder / name for name in files)
