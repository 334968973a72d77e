"""One message to one channel: a mail server, a webhook. Not here: whom (alert_settings), the words (alerts)."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.alert_settings import Channel, Mail, Webhook

TRIES = 3
PAUSE = 0.5  # seconds after the first try; twice as long after each further one
LONGEST = 20.0  # seconds for all tries together: a sensor's tick has a minute, and several channels
SIGNATURE = "X-SRT-Signature"
TIMESTAMP = "X-SRT-Timestamp"
ACCEPTED = range(200, 300)
WILL_NOT_PASS = range(400, 500)
MAY_PASS_ANYWAY = {408, 425, 429}


class NotDelivered(Exception):  # noqa: N818 - what happened, in the words of the log
    """A message did not arrive; says why, without address or password."""

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again  # worth another try within this minute


def deliver(channel: Channel, message: Mapping[str, Any], tries: int = TRIES) -> None:
    """Send a message, trying again after a moment when that may help; in 20 seconds at most.

    Raises:
        NotDelivered: it did not arrive.
    """
    outcome: list[NotDelivered | None] = []
    # A server that answers a word at a time keeps within every time-out of its own: the thread is left to it.
    sender = threading.Thread(target=lambda: outcome.append(_tried(channel, message, tries)), daemon=True)
    sender.start()
    sender.join(LONGEST)
    if not outcome:
        raise NotDelivered(f"not taken within {LONGEST:.0f} s")
    if outcome[0] is not None:
        raise outcome[0]


def _tried(channel: Channel, message: Mapping[str, Any], tries: int) -> NotDelivered | None:
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_exponential

    again = retry_if_exception(lambda error: isinstance(error, NotDelivered) and error.again)
    stop = stop_after_attempt(tries) | stop_after_delay(LONGEST / 2)
    waits = wait_exponential(multiplier=PAUSE, max=4)
    try:
        Retrying(retry=again, stop=stop, wait=waits, reraise=True)(_send, channel, message)
    except NotDelivered as why:
        return why
    except Exception as error:  # noqa: BLE001 - an alert that fails must not hide the failure it tells of
        return NotDelivered(_kind(error), again=False)
    return None


def _send(channel: Channel, message: Mapping[str, Any]) -> None:
    try:
        send: Callable[..., None] = send_mail if isinstance(channel, Mail) else post
        send(channel, message)
    except ValueError as error:  # a secret that has gone since the settings were read
        raise NotDelivered(str(error), again=False) from None


def send_mail(mail: Mail, message: Mapping[str, Any]) -> None:
    """Send a message to every recipient.

    Raises:
        NotDelivered: the server is away, refuses TLS, the login, or any of the recipients.
    """
    import smtplib
    import ssl

    try:
        with _server(mail) as server:
            if mail.user:
                server.login(mail.user, mail.secret())
            refused = server.send_message(_letter(mail, message))
    except smtplib.SMTPAuthenticationError:
        raise NotDelivered("the mail server refused the login", again=False) from None
    except smtplib.SMTPNotSupportedError:
        raise NotDelivered("the mail server offers no TLS or no login", again=False) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise NotDelivered(f"the mail server refused all {len(error.recipients)} recipients") from None
    except ssl.SSLError as error:
        raise NotDelivered(f"no safe connection to the mail server ({error.reason or 'TLS'})") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(f"the mail server did not take it ({_kind(error)})") from None
    if refused:  # the others have it: another try would write to them twice
        raise NotDelivered(f"the mail server refused {len(refused)} of the recipients", again=False)


def _server(mail: Mail) -> Any:
    """Return the open connection, safe before anything is said on it."""
    import smtplib
    import ssl

    safe = ssl.create_default_context()
    if mail.ca_file:
        safe.load_verify_locations(mail.ca_file)
    if mail.security == "ssl":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout_seconds, context=safe)
    server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)
    try:
        if mail.security == "starttls":
            server.starttls(context=safe)
    except BaseException:
        server.close()
        raise
    return server


def _letter(mail: Mail, message: Mapping[str, Any]) -> Any:
    from email.message import EmailMessage
    from email.utils import formatdate, make_msgid

    letter = EmailMessage()
    letter["Subject"] = " ".join(str(message["subject"]).split())  # a header holds one line
    letter["From"], letter["To"] = mail.sender, ", ".join(mail.to)
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid("srt", domain=mail.sender.rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(str(message["body"]))
    return letter


def post(hook: Webhook, message: Mapping[str, Any]) -> None:
    """Post a message as JSON; its `text` is what Slack and Teams show. Redirects are not followed.

    Raises:
        NotDelivered: no answer in time, or another answer than 2xx.
    """
    import requests

    content = json.dumps(
        {"text": f"{message['subject']}\n\n{message['body']}", **message}, ensure_ascii=False
    ).encode()
    try:
        with requests.post(
            hook.address(),
            data=content,
            headers={"Content-Type": "application/json; charset=utf-8", **signed(content, hook.secret())},
            timeout=hook.timeout_seconds,
            allow_redirects=False,  # what was signed for one address is not for another
            stream=True,  # the answer is not read: it may never end
        ) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        raise NotDelivered(f"no answer ({_kind(error)})") from None
    if status not in ACCEPTED:
        passing = status not in WILL_NOT_PASS or status in MAY_PASS_ANYWAY
        raise NotDelivered(f"answered {status}", again=passing)


def signed(content: bytes, secret: str) -> dict[str, str]:
    """Return the headers by which a receiver knows sender and age: HMAC-SHA256 of "<time>.<content>"."""
    if not secret:
        return {}
    moment = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + content, hashlib.sha256).hexdigest()
    return {TIMESTAMP: moment, SIGNATURE: f"sha256={digest}"}


def _kind(error: BaseException) -> str:
    """Return what kind of error it was: its text may hold the address."""
    if isinstance(error.__context__, TimeoutError):  # smtplib calls it a server that hung up
        return "TimeoutError"
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
