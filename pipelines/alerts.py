"""What people are told of a night, and in which words. Not here: sending it (undelivered), noticing it (watch).

The log is written first of all and does not depend on anybody's server. No participant's value is in a message:
reasons are those of our own errors; of an error nobody foresaw the kind alone is told.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from data_contracts.errors import SrtError
from pipelines.alert_settings import load_settings
from pipelines.home import Home
from pipelines.undelivered import keep, send_kept

LOG = "failures.log"
LOGGER = logging.getLogger("srt")
REMEDIES = {
    "plan error": "Mend the trial file: `srt check {trial}` lists its mistakes.",
    "read error": "Look at the files in {landing}, and ask for the export again if one is cut or missing.",
    "contract failure": "Read the validation report and have the data mended where they are kept; "
    "the last good results stay published.",
    "estimation failure": "Read the report: it says why the primary comparison could not be estimated.",
    "storage error": "`srt doctor` looks at disk, rights and databases; the next night tries again.",
    "process ended": "Nothing yet: the night is done again by itself; if that fails too, you will hear of it.",
    "busy": "Another run held the trial; if it still does, `srt doctor` says which.",
}
UNKNOWN = "`srt ui` shows the run with its traceback; the next night tries again."


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed run; its reasons hold no participant's value."""

    trial: str
    run_id: str
    reasons: tuple[str, ...]
    hop: str = ""
    family: str = ""
    since: str = ""  # ISO time, UTC, of the first of the failures in a row
    in_a_row: int = 1


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run that succeeded after others had failed."""

    trial: str
    run_id: str
    since: str
    in_a_row: int


@dataclass(frozen=True, slots=True)
class Stale:
    """No new data for longer than the trial expects."""

    trial: str
    since: str
    days: float
    expected_days: float


@dataclass(frozen=True, slots=True)
class NotAsLocked:
    """A run whose data, plan, program or packages are not those of the trial's lock."""

    trial: str
    run_id: str
    said: str


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling: why each channel that refused did so."""

    channels: int
    refused: Mapping[str, str] = field(default_factory=dict)


News = Failed | Recovered | Stale | NotAsLocked


def tell(what: Failed | Recovered | Stale, home: Home) -> Told:
    """Note what happened, then send it to everybody who wants to know; never raises for what a server does."""
    return send(note(what, home), home)


def note(what: Failed | Recovered | Stale, home: Home) -> dict[str, Any]:
    """Write to the log, keep the message for every channel, and return it; nothing is sent yet.

    Raises:
        OSError: the log can't be written; whoever noticed will have to notice again.
    """
    message = message_of(what, home)
    write_log(message, home)
    _kept(message, home)
    return message


def send_test(home: Home) -> Told:
    """Send a message that says that messages arrive."""
    message = test_message(home)
    _kept(message, home)
    return send(message, home)


def send(message: Mapping[str, Any], home: Home) -> Told:
    """Send what is kept, among it a message; what a channel does not take stays and is tried again."""
    try:
        settings = load_settings(home.root)
        if not settings.wants(message["event"], message["trial"]):
            return Told(0)
        return Told(len(settings.channels), send_kept(home, settings))
    except (SrtError, OSError) as error:
        LOGGER.warning("Nobody was told: %s", error)
        return Told(0, {"alerts": str(error)})


def _kept(message: Mapping[str, Any], home: Home) -> None:
    try:
        settings = load_settings(home.root)
        if settings.wants(message["event"], message["trial"]):
            keep(home, settings, message)
    except (SrtError, OSError) as error:
        LOGGER.warning("Nobody will be told: %s", error)


def send_undelivered(home: Home) -> Mapping[str, str]:
    """Try once again what was not taken before, and return why it was refused."""
    try:
        return send_kept(home, load_settings(home.root), tries=1)
    except (SrtError, OSError) as error:
        return {"alerts": str(error)}


def write_log(message: Mapping[str, Any], home: Home) -> None:
    """Append to the log, a JSON object per line; failures only, which it is named after."""
    if message["event"] != "failed":
        return
    home.logs.mkdir(parents=True, exist_ok=True)
    line = {key: value for key, value in message.items() if key not in {"subject", "body", "event"}}
    with (home.logs / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def message_of(what: News, home: Home) -> dict[str, Any]:
    """Return what is told, in words and as values."""
    event, subject, lines = _WORDS[type(what)](what, home)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = "\n".join(f"{label + ':':<12} {text}" for label, text in lines if text)
    return {"event": event, "time": now, "subject": f"[srt] {subject}", "body": body + "\n", **asdict(what)}


def test_message(home: Home) -> dict[str, Any]:
    """Return a message that says that messages arrive."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = f"Messages about the trials in {home.root} arrive here. There is nothing to do.\n"
    return {"event": "test", "time": now, "trial": "", "subject": "[srt] a test message", "body": body}


def _failed(what: Failed, home: Home) -> tuple[str, str, list[tuple[str, str]]]:
    where = f"at {what.hop}" if what.hop else "before its first hop"
    often = f", {what.in_a_row} in a row" if what.in_a_row > 1 else ""
    remedy = REMEDIES.get(what.family, UNKNOWN).format(trial=what.trial, landing=home.landing(what.trial))
    lines = [
        ("Trial", what.trial),
        ("Failed", f"{where}{f' ({what.family})' if what.family else ''}"),
        ("Since", f"{_when(what.since)}{often}" if what.since else ""),
        ("Why", "\n             ".join("\n".join(what.reasons).splitlines())),
        ("What to do", remedy),
        ("Look at", _pages(what, home)),
        ("Run", what.run_id),
    ]
    return "failed", f"{what.trial}: the night failed {where}", lines


def _pages(what: Failed, home: Home) -> str:
    pages = {
        "contract failure": home.validation(what.trial) / "index.html",
        "estimation failure": home.report(what.trial),
    }
    page = pages.get(what.family)
    return str(page) if page else "`srt ui`, or `srt trials`"


def _recovered(what: Recovered, home: Home) -> tuple[str, str, list[tuple[str, str]]]:
    times = "once" if what.in_a_row == 1 else f"{what.in_a_row} times in a row"
    lines = [
        ("Trial", what.trial),
        ("Now", "the night works again; there is nothing to do"),
        ("Before", f"it failed {times}, first at {_when(what.since)}"),
        ("Look at", str(home.report(what.trial))),
        ("Run", what.run_id),
    ]
    return "recovered", f"{what.trial}: the night works again", lines


def _stale(what: Stale, home: Home) -> tuple[str, str, list[tuple[str, str]]]:
    days = f"{what.days:.0f} days"
    lines = [
        ("Trial", what.trial),
        ("Now", f"no new data for {days}; they are expected every {what.expected_days:g}"),
        ("Since", _when(what.since)),
        ("What to do", "Ask whoever exports the data whether the export still runs and reaches the folder."),
        ("Look at", str(home.landing(what.trial))),
    ]
    return "stale", f"{what.trial}: no new data for {days}", lines


def _not_as_locked(what: NotAsLocked, home: Home) -> tuple[str, str, list[tuple[str, str]]]:
    lines = [
        ("Trial", what.trial),
        ("Now", what.said),
        ("What to do", f"If it is meant, `srt unlock {what.trial}` and lock it again; else undo the change."),
        ("Look at", str(home.report(what.trial))),
        ("Run", what.run_id),
    ]
    return "not as locked", f"{what.trial}: a run is not as locked", lines


_WORDS: Mapping[type, Any] = {
    Failed: _failed,
    Recovered: _recovered,
    Stale: _stale,
    NotAsLocked: _not_as_locked,
}


def _when(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"
