"""Whom to tell and how: `SRT_HOME/alerts.toml`. Not here: sending (alert_channels), the words (alerts)."""

import os
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import PlanError, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE = "alerts.toml"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
Address = Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]
Seconds = Annotated[
    float, Field(gt=0, le=20)
]  # Dagster gives a sensor's tick a minute, for all tries together
Event = Literal["failed", "recovered", "stale", "not as locked"]
TEMPLATE = """\
# Whom `srt` tells when a night fails, works again, or when no new data come.
# `srt doctor` checks this file; `srt alert --test` sends a test message.
# Passwords stand in the environment or in a file of their own (mode 0600), not here.

tell = ["failed", "recovered", "stale", "not as locked"]
# trials = ["our_trial"]                 # only these; all when left out

# [mail]
# host = "smtp.example.org"
# port = 587
# security = "starttls"                  # starttls, ssl, or none (on this machine only)
# sender = "srt@example.org"
# to = ["data@example.org", "statistics@example.org"]
# user = "srt"
# password_env = "SRT_SMTP_PASSWORD"     # or: password_file = "/etc/srt/smtp.password"

# [[webhooks]]
# url = "https://hooks.example.org/trials"   # or url_env, url_file: the address itself is often a secret
# secret_env = "SRT_HOOK_SECRET"             # signs each message (HMAC-SHA256); or: secret_file
"""


class Strict(BaseModel):
    """A part of the file: unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Mail(Strict):
    """A mail server, and who is written to."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "ssl", "none"] = "starttls"
    ca_file: Path | None = None  # certificates to trust beside the system's
    sender: Address
    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    user: str = ""
    password: str = Field(default="", repr=False)
    password_env: str = ""
    password_file: Path | None = None
    timeout_seconds: Seconds = 8

    @model_validator(mode="after")
    def _not_in_the_clear(self) -> Self:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError('security = "none" is for a server on this machine; use "starttls" or "ssl"')
        _one_of("password", self.password, self.password_env, self.password_file)
        return self

    @property
    def name(self) -> str:
        """Return how this channel is called in logs: no secret in it."""
        return f"mail by {self.host}"

    def secret(self) -> str:
        """Return the password; "" when none is set.

        Raises:
            ValueError: its variable is not set, or its file can't be read or is open to others.
        """
        return _secret("password", self.password, self.password_env, self.password_file)


class Webhook(Strict):
    """An address that takes a JSON message."""

    url: str = Field(default="", repr=False)
    url_env: str = ""
    url_file: Path | None = None
    secret_env: str = ""
    secret_file: Path | None = None
    timeout_seconds: Seconds = 8

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        _one_of("url", self.url, self.url_env, self.url_file)
        if not (self.url or self.url_env or self.url_file):
            raise ValueError("give `url`, `url_env` or `url_file`")
        if self.url:
            _check_url(self.url)
        _one_of("secret", "", self.secret_env, self.secret_file)
        return self

    @property
    def name(self) -> str:
        """Return how this channel is called in logs: the host alone, since the path is often a secret."""
        told = urlsplit(self.url).hostname if self.url else self.url_env or str(self.url_file)
        return f"webhook {told}"

    def address(self) -> str:
        """Return the address.

        Raises:
            ValueError: its variable is not set, its file can't be read, or it is no address.
        """
        return _check_url(_secret("url", self.url, self.url_env, self.url_file))

    def secret(self) -> str:
        """Return what messages are signed with; "" when none is set.

        Raises:
            ValueError: its variable is not set, or its file can't be read or is open to others.
        """
        return _secret("secret", "", self.secret_env, self.secret_file)


Channel = Mail | Webhook


class AlertSettings(Strict):
    """The whole file; without one, nobody is told and the log alone is written."""

    tell: tuple[Event, ...] = ("failed", "recovered", "stale", "not as locked")
    trials: tuple[str, ...] = ()  # only these; empty: all
    mail: Mail | None = None
    webhooks: tuple[Webhook, ...] = ()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return every channel, mail first."""
        return (*((self.mail,) if self.mail else ()), *self.webhooks)

    def wants(self, event: str, trial: str) -> bool:
        """Say whether people want to hear of such an event of that trial."""
        return event in {*self.tell, "test"} and (not self.trials or trial in {*self.trials, ""})


def load_settings(root: Path) -> AlertSettings:
    """Return what `alerts.toml` in the state folder says; nobody is told when there is none.

    Raises:
        PlanError: it can't be read or has mistakes, all of them listed.
    """
    path = root / FILE
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = AlertSettings.model_validate(raw)
    except FileNotFoundError:
        return AlertSettings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _mistakes([Problem(FILE, str(error), "a TOML file that can be read")]) from None
    except ValidationError as error:
        raise _mistakes(map(_problem, error.errors(include_input=False, include_url=False))) from None
    if problems := [*_in_the_clear(path, settings), *_unreadable_secrets(settings)]:
        raise _mistakes(problems)
    return settings


def write_template(root: Path) -> Path:
    """Write a template for people to fill in, unless there is a file, and return its path.

    Raises:
        StorageError: the folder can't be written.
    """
    from data_contracts.writers.atomic import write_atomically

    path = root / FILE
    if not path.exists():
        write_atomically(path, TEMPLATE.encode())
        path.chmod(0o600)
    return path


def _mistakes(problems: Iterable[Problem]) -> PlanError:
    return PlanError(f"{FILE} has mistakes; failures are written to the log alone.", problems)


def _problem(error: "ErrorDetails") -> Problem:
    where = ".".join(str(part) for part in error["loc"])
    said = error["msg"].removeprefix("Value error, ")
    return Problem(f"{FILE}, {where}" if where else FILE, said, "see the comments of the template")


def _in_the_clear(path: Path, settings: AlertSettings) -> Iterable[Problem]:
    if settings.mail and settings.mail.password and _open_to_others(path):
        remedy = "Put it into password_file or password_env, or chmod 600 the file."
        yield Problem(f"{FILE}, mail.password", "a password in a file others can read", "mode 0600", remedy)


def _unreadable_secrets(settings: AlertSettings) -> Iterable[Problem]:
    for channel in settings.channels:
        asked: list[Any] = [channel.secret]
        if isinstance(channel, Webhook):
            asked.append(channel.address)
        for ask in asked:
            try:
                ask()
            except ValueError as error:
                yield Problem(f"{FILE}, {channel.name}", str(error), "a secret that can be read")


def _one_of(what: str, value: str, variable: str, file: Path | None) -> None:
    if sum(map(bool, (value, variable, file))) > 1:
        raise ValueError(f"give one of `{what}`, `{what}_env` and `{what}_file`")


def _secret(what: str, value: str, variable: str, file: Path | None) -> str:
    if variable:
        if variable not in os.environ:
            raise ValueError(f"{what}_env: the variable {variable} is not set")
        return os.environ[variable]
    return _from_file(f"{what}_file", file) if file else value


def _from_file(key: str, file: Path) -> str:
    try:
        if _open_to_others(file):
            raise ValueError(f"{key}: {file} can be read by others; chmod 600 it")
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{key}: {file} can't be read ({type(error).__name__})") from None


def _open_to_others(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("the address must start with https:// (http:// on this machine only)")
    if not parts.hostname:
        raise ValueError("the address names no host")
    return url
