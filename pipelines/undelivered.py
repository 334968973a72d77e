"""Messages on their way: each is kept on disk until its channel has taken it. Not here: sending (alert_channels).

A message is kept first and sent then, so that neither a dead server nor a killed sender loses one.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from data_contracts.errors import BusyError
from data_contracts.writers.atomic import write_atomically
from pipelines import locks
from pipelines.alert_channels import TRIES, NotDelivered, deliver
from pipelines.alert_settings import AlertSettings
from pipelines.home import Home

FILE = "undelivered.jsonl"
MOST_KEPT = 200  # per channel: a server that is away for weeks must not fill the disk
MOST_SENT = 20  # in one go, per channel


@dataclass(frozen=True, slots=True)
class Kept:
    """A message one channel has not taken yet."""

    id: str
    channel: str  # "mail", "webhook 1", …: its place in the settings, so that a mended address gets it
    message: Mapping[str, Any]
    tries: int = 0
    why: str = ""  # of the last try


def keep(home: Home, settings: AlertSettings, message: Mapping[str, Any]) -> None:
    """Keep a message for every channel; the oldest ones go where there are too many."""
    new = [Kept(secrets.token_hex(8), channel, message) for channel in channels(settings)]
    if not new:
        return
    with _alone(home):
        kept = [*read(home), *new]
        _write(home, [one for one in kept if one in _newest(kept, one.channel)])


def channels(settings: AlertSettings) -> dict[str, Any]:
    """Return the channels by the names under which messages are kept for them."""
    hooks = {f"webhook {number}": hook for number, hook in enumerate(settings.webhooks, 1)}
    return {**({"mail": settings.mail} if settings.mail else {}), **hooks}


def send_kept(home: Home, settings: AlertSettings, tries: int = TRIES) -> dict[str, str]:
    """Send what is kept, in order, and return why each channel that refused did so.

    One sender at a time; another returns at once, and leaves its messages to the next tick.
    """
    try:
        sending = locks.take(home.locks, "alerts_sending")
    except BusyError:
        return {}
    try:
        found = {name: _send_all(home, name, channel, tries) for name, channel in channels(settings).items()}
    finally:
        sending.release()
    return {name: why for name, why in found.items() if why}


def read(home: Home) -> list[Kept]:
    """Return the messages not taken yet, oldest first; a damaged line is left out."""
    try:
        lines = (home.logs / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return list(_parsed(lines))


def _parsed(lines: list[str]) -> Iterator[Kept]:
    for line in lines:
        try:
            yield Kept(**json.loads(line))
        except (ValueError, TypeError):
            continue


def _send_all(home: Home, name: str, channel: Any, tries: int) -> str:
    """Send a channel's messages until one is refused; return why."""
    for one in [kept for kept in read(home) if kept.channel == name][:MOST_SENT]:
        try:
            deliver(channel, one.message, tries)
        except NotDelivered as error:
            _replace(home, one, replace(one, tries=one.tries + 1, why=str(error)))
            return str(error)
        _replace(home, one, None)
    return ""


def _replace(home: Home, old: Kept, new: Kept | None) -> None:
    with _alone(home):
        changed = (new if one.id == old.id else one for one in read(home))
        _write(home, [one for one in changed if one is not None])


def _newest(kept: list[Kept], channel: str) -> list[Kept]:
    return [one for one in kept if one.channel == channel][-MOST_KEPT:]


def _write(home: Home, kept: list[Kept]) -> None:
    path = home.logs / FILE
    if kept:
        write_atomically(path, "".join(json.dumps(asdict(one)) + "\n" for one in kept).encode())
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    lock = locks.take(home.ready().locks, "alerts", wait_seconds=30)
    try:
        yield
    finally:
        lock.release()
