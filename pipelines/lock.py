"""Where a trial stands: blinded, locked, unblinded; and what differs from its lock. Not here: the terminal (cli).

What a trial's file below `audit/standing` says counts only while the audit log has the line it names.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from data_contracts.errors import Problem, RequestError, StorageError
from data_contracts.spec import Trial
from data_contracts.standing import WORDS
from data_contracts.writers.atomic import write_atomically
from pipelines import audit, store
from pipelines.home import PROJECT, Home
from pipelines.rights import only_mine, private_folder

State = Literal["open", "blinded", "locked", "unblinded"]
LOCKED, UNLOCKED, UNBLINDED, REVEALED = "locked", "unlocked", "unblinded", "one participant unblinded"
DIFFERS = "run differs from the lock"


@dataclass(frozen=True, slots=True)
class Deed:
    """A lock or an unblinding: who, why, when, of which data, and the line of the audit log that says so."""

    by: str
    why: str
    time: str  # UTC
    line: str  # hash of the audit log's line
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What has been done to a trial; neither, as long as it is under way."""

    lock: Deed | None = None
    unblinding: Deed | None = None

    def state_of(self, trial: Trial) -> State:
        """Return where the trial stands, in a word."""
        if trial.blinding.is_declared_open:
            return "open"
        if self.unblinding:
            return "unblinded"
        return "locked" if self.lock else "blinded"


def standing(home: Home, trial: str) -> Standing:
    """Return where a trial stands.

    Raises:
        StorageError: its file is damaged, or says what the audit log does not.
    """
    path = _path(home, trial)
    try:
        said = json.loads(path.read_bytes())
        found = Standing(*(Deed(**said[name]) if said.get(name) else None for name in ("lock", "unblinding")))
    except FileNotFoundError:
        return Standing()
    except OSError as error:
        raise StorageError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise StorageError(f"{path} is damaged; restore it from a backup.") from None
    _must_be_logged(home, trial, found, path)
    return found


def _must_be_logged(home: Home, trial: str, found: Standing, path: Path) -> None:
    known = {(entry.what, entry.hash) for entry in audit.listed(home, trial)}
    for what, deed in ((LOCKED, found.lock), (UNBLINDED, found.unblinding)):
        if deed and (what, deed.line) not in known:
            remedy = "`srt audit --verify` says what is wrong with the log; restore both from a backup."
            problem = Problem(str(path), f"that the trial was {what}", "a line in the audit log", remedy)
            raise StorageError(f"Where {trial} stands is not vouched for.", [problem])


def facts_of_run(home: Home, trial: Trial, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's tables say of allocation and lock, as JSON values.

    Raises:
        StorageError: where the trial stands is not vouched for.
    """
    found = standing(home, trial.name)
    state = found.state_of(trial)
    opened = found.unblinding
    unblinding = {"unblinded": opened.time, "unblinded_by": opened.by} if opened else {}
    return {
        "allocation": "true" if state in {"open", "unblinded"} else "shuffled",
        "lock": {**_against(found.lock or opened, hashes, state), **unblinding},
    }


def _against(deed: Deed | None, hashes: Mapping[str, Any], state: State) -> dict[str, Any]:
    if deed is None:
        return {"status": "none", "state": state, "differs": []}
    differs = departures(deed, hashes)
    status = "differs" if differs else "as locked"
    return {"status": status, "state": state, "differs": differs, "locked": deed.time, "by": deed.by}


def departures(deed: Deed, hashes: Mapping[str, Any]) -> list[str]:
    """Return which of data, plan, program and packages are not those of the lock."""
    now = {**hashes, "packages_hash": packages_hash()}
    return [name for name in WORDS if now.get(name) != deed.hashes.get(name)]


def lock(home: Home, trial: Trial, by: str, why: str) -> Standing:
    """Freeze the hashes of what was last accepted and published, and return where the trial stands.

    Raises:
        RequestError: the trial is locked already, has no report, or its last report is of something else.
        StorageError: it can't be stored.
    """
    before = standing(home, trial.name)
    if before.lock:
        raise _refused(
            f"{trial.name} is locked already.", "a lock", "none", f"`srt unlock {trial.name}` first."
        )
    hashes = {**_published(home, trial), "packages_hash": packages_hash()}
    line = audit.record(home, LOCKED, trial=trial.name, who=by, why=why, **hashes)
    return _kept(home, trial.name, Standing(_deed(line, hashes), before.unblinding))


def unlock(home: Home, trial: Trial, by: str, why: str) -> Standing:
    """Take the lock off again; whoever unblinded a trial has seen its results all the same.

    Raises:
        RequestError: the trial is not locked.
        StorageError: it can't be stored.
    """
    before = standing(home, trial.name)
    if not before.lock:
        raise _refused(f"{trial.name} is not locked.", "no lock", "one", f"`srt lock {trial.name}` makes it.")
    audit.record(home, UNLOCKED, trial=trial.name, who=by, why=why, lock=before.lock.line)
    return _kept(home, trial.name, Standing(None, before.unblinding))


def unblind(home: Home, trial: Trial, by: str, why: str) -> Standing:
    """Let every later run use the true allocation; this can't be undone.

    Raises:
        RequestError: nobody is blind, or the trial is not locked.
        StorageError: it can't be stored.
    """
    before = standing(home, trial.name)
    if before.state_of(trial) in {"open", "unblinded"}:
        problem = "a trial declared open" if trial.blinding.is_declared_open else "a trial unblinded before"
        raise _refused(f"{trial.name} is not blinded.", problem, "a blinded one", "")
    if not before.lock:
        remedy = f"`srt lock {trial.name}` first: data, plan and program must be settled before anybody sees."
        raise _refused(f"{trial.name} is not locked.", "no lock", "a lock", remedy)
    line = audit.record(home, UNBLINDED, trial=trial.name, who=by, why=why, lock=before.lock.line)
    return _kept(home, trial.name, Standing(before.lock, _deed(line, before.lock.hashes)))


def _deed(line: Any, hashes: Mapping[str, str]) -> Deed:
    return Deed(line.who, line.why, line.time, line.hash, dict(hashes))


def _kept(home: Home, trial: str, now: Standing) -> Standing:
    path = _path(home, trial)
    private_folder(path.parent)
    with only_mine():
        write_atomically(path, json.dumps(asdict(now), indent=1).encode())
    return now


def _path(home: Home, trial: str) -> Path:
    return home.audit / "standing" / f"{trial}.json"


def _published(home: Home, trial: Trial) -> dict[str, str]:
    """Return the hashes of the last report, if it is of the accepted data, this plan and this program."""
    from assets.source_version import EVERYTHING, source_version

    report = store.read_facts(home.store(trial.name, "report"))
    verdict = store.read_facts(home.store(trial.name, "checked"))
    again = f"`srt run {trial.name}`, then lock what it gives."
    if not report or not verdict or verdict.get("withheld"):
        found = "data that are withheld" if verdict.get("withheld") else "no report"
        raise _refused(f"{trial.name} can't be locked yet.", found, "the report of a run", again)
    now = {
        "data_hash": verdict["data_hash"],
        "plan_hash": trial.plan_hash,
        "code_version": source_version(EVERYTHING),
    }
    if other := [WORDS[name] for name, value in now.items() if report.get(name) != value]:
        found = f"a report that differs in {' and '.join(other)}"
        raise _refused(f"{trial.name} can't be locked yet.", found, "the report of what there is now", again)
    return now


def _refused(summary: str, found: str, expected: str, remedy: str) -> RequestError:
    return RequestError(f"{summary} Nothing was changed.", [Problem("TRIAL", found, expected, remedy)])


@cache
def packages_hash() -> str:
    """Return the SHA-256 of the installed versions of the packages that requirements.lock names."""
    lines = sorted(f"{name}=={_version(name)}" for name in _named(PROJECT / "requirements.lock"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _named(path: Path) -> set[str]:
    """Return the packages of the lock file; of an installation without one, all there are."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {found.metadata["Name"] for found in metadata.distributions()}
    return {line.split("==")[0].split("[")[0] for line in lines if "==" in line and line[:1].isalnum()}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def witnesses(home: Home) -> dict[str, str]:
    """Return the lines of the audit log that others vouch for: locks, unblindings, and each trial's report."""
    found = dict[str, str]()
    for path in sorted((home.audit / "standing").glob("*.json")):
        said = json.loads(path.read_bytes())
        for what in ("lock", "unblinding"):
            if said.get(what):
                found[said[what]["line"]] = f"the {what} of {path.stem}"
    for path in sorted((home.root / "store").glob("*/report")):
        if line := store.read_facts(path).get("audit_line"):
            found[line] = f"the report of {path.parent.name}"
    return found
