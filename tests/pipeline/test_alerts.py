"""Who is told of a night, over real servers on this machine: delivered, refused, away, slow, tried again."""

import datetime as dt
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from pipelines import alert_channels, alerts, undelivered
from pipelines.alert_channels import NotDelivered, deliver
from pipelines.alert_settings import Mail, Webhook, load_settings
from pipelines.alerts import Failed, Recovered, Stale, tell
from pipelines.home import Home

FAILED = Failed(
    "ours", "run-1", ("ours__checked: The data of ours are withheld.\n  - two arms",), "checked",
    "contract failure", "2026-11-21T02:00:00+00:00", 3,
)  # fmt: skip
PASSWORD = "a pass word"
LOOPBACK = "127.0.0.1"


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").ready()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Let the pauses between tries take no time; how many tries there are is what is tested."""
    monkeypatch.setattr(alert_channels, "PAUSE", 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine's own, valid for an hour."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LOOPBACK)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("certificate") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem


class Mailbox:
    """Keeps what arrives; refuses the recipients it is told to."""

    def __init__(self, refuse=()):
        self.envelopes, self.refuse = [], refuse

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def letters(self):
        return [message_from_bytes(e.content, policy=default) for e in self.envelopes]


def only_the_right_password(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@contextmanager
def mail_server(mailbox, certificate=None, security="none", **options):
    """Run a mail server on a free port of this machine."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    tls = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}
    whole = {"ssl_context": context} if security == "ssl" else {}
    server = Controller(mailbox, hostname=LOOPBACK, port=free_port(), **tls, **whole, **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


def free_port():
    with socket.socket() as s:
        s.bind((LOOPBACK, 0))
        return s.getsockname()[1]


def mail(port, **more):
    given = {"host": LOOPBACK, "port": port, "security": "none", "sender": "srt@example.org"}
    return Mail(**{**given, "to": ("a@example.org", "b@example.org"), "timeout_seconds": 2, **more})


def message():
    return {"event": "failed", "trial": "ours", "subject": "[srt] ours: failed", "body": "Why: é – because\n"}


def test_a_letter_reaches_every_recipient_over_starttls_with_a_login(certificate):
    """What a hospital's mail server asks for."""
    box = Mailbox()
    with mail_server(
        box, certificate, "starttls", authenticator=only_the_right_password, auth_required=True
    ) as port:
        deliver(
            mail(port, security="starttls", ca_file=certificate, user="srt", password=PASSWORD), message()
        )
    (envelope,), (letter,) = box.envelopes, box.letters
    assert envelope.rcpt_tos == ["a@example.org", "b@example.org"]
    assert letter["Subject"] == "[srt] ours: failed"
    assert letter["Auto-Submitted"] == "auto-generated", "so that nobody's holiday answers it"
    assert letter.get_content().splitlines() == ["Why: é – because"]


def test_a_letter_goes_over_tls_from_the_first_byte_too(certificate):
    """Port 465."""
    box = Mailbox()
    with mail_server(box, certificate, "ssl") as port:
        deliver(mail(port, security="ssl", ca_file=certificate), message())
    assert len(box.letters) == 1


def why_not(channel, tries=1):
    with pytest.raises(NotDelivered) as refused:
        deliver(channel, message(), tries)
    return str(refused.value)


def test_a_server_without_tls_gets_neither_login_nor_letter():
    """Somebody between us and the server may have taken STARTTLS away."""
    box = Mailbox()
    with mail_server(box) as port:
        assert "no TLS" in why_not(mail(port, security="starttls", user="srt", password=PASSWORD))
    assert box.letters == []


def test_a_certificate_nobody_vouches_for_is_refused(certificate):
    """Encrypted to whom?"""
    box = Mailbox()
    with mail_server(box, certificate, "starttls") as port:
        assert "no safe connection" in why_not(mail(port, security="starttls"))
    assert box.letters == []


def test_a_refused_login_is_tried_once_and_shows_no_password(certificate):
    """Three wrong logins lock an account."""
    logins = []

    def refuse(_server, _session, _envelope, _mechanism, data):
        logins.append(data.password)
        return AuthResult(success=False, handled=False)

    with mail_server(Mailbox(), certificate, "starttls", authenticator=refuse, auth_required=True) as port:
        why = why_not(
            mail(port, security="starttls", ca_file=certificate, user="srt", password=PASSWORD), tries=3
        )
    assert why == "the mail server refused the login"
    assert len(set(logins)) == 1
    assert len(logins) <= 2, "two mechanisms of one try at most"


def test_one_bad_address_does_not_keep_the_letter_from_the_others():
    """People leave; their address stays in the file."""
    box = Mailbox(refuse={"b@example.org"})
    with mail_server(box) as port:
        assert why_not(mail(port), tries=3) == "the mail server refused 1 of the recipients"
    assert [e.rcpt_tos for e in box.envelopes] == [["a@example.org"]], "and nobody gets it twice"


def test_a_server_that_is_away_is_tried_again(monkeypatch):
    """It restarts as nightly things do."""
    tried = []
    real = alert_channels.send_mail
    monkeypatch.setattr(alert_channels, "send_mail", lambda *a: (tried.append(1), real(*a)))
    assert "ConnectionRefusedError" in why_not(mail(free_port()), tries=3)
    assert len(tried) == 3


def test_a_server_that_never_answers_costs_its_time_out_and_no_more():
    """The sensor's tick has a minute."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        begun = time.monotonic()
        assert "TimeoutError" in why_not(mail(silent.getsockname()[1], timeout_seconds=0.3))
    assert time.monotonic() - begun < 3


def test_a_server_that_answers_letter_by_letter_is_given_up(monkeypatch):
    """Each letter comes within the time-out; all of them would take hours."""
    monkeypatch.setattr(alert_channels, "LONGEST", 1.0)
    stop = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as listening:

        def dribble():
            line, _ = listening.accept()
            with line:
                while not stop.wait(0.1):
                    line.sendall(b"2")

        threading.Thread(target=dribble, daemon=True).start()
        begun = time.monotonic()
        assert "not taken within" in why_not(mail(listening.getsockname()[1]))
        stop.set()
    assert time.monotonic() - begun < 3


@contextmanager
def web_server(*statuses, headers=(), hang=0.0):
    """Answer with each status in turn, then with the last; note what was posted."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((dict(self.headers), content, self.path))
            time.sleep(hang)
            self.send_response(statuses[min(len(posted), len(statuses)) - 1])
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.handle_error = lambda *_: None  # a client that has hung up
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/hook", posted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_webhook_gets_json_that_chat_programs_show_and_a_signature(monkeypatch):
    """Slack and Teams show `text`; a program of the unit's own reads the rest, and knows it is ours."""
    monkeypatch.setenv("HOOK_SECRET", "shared")
    with web_server(204) as (url, posted):
        deliver(Webhook(url=url, secret_env="HOOK_SECRET"), message())
    ((headers, content, _),) = posted
    told = json.loads(content)
    assert told["text"].startswith("[srt] ours: failed\n\nWhy: é – because")
    assert (told["event"], told["trial"]) == ("failed", "ours")
    signed = f"{headers['X-SRT-Timestamp']}.".encode() + content
    expected = hmac.new(b"shared", signed, hashlib.sha256).hexdigest()
    assert headers["X-SRT-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize(("statuses", "requests"), [((500, 503, 200), 3), ((429, 200), 2)])
def test_a_webhook_in_trouble_is_tried_again(statuses, requests):
    """It passes."""
    with web_server(*statuses) as (url, posted):
        deliver(Webhook(url=url), message())
    assert len(posted) == requests


def test_a_webhook_that_refuses_is_not_asked_again():
    """An address that has been taken away answers 404 for ever."""
    with web_server(404) as (url, posted):
        assert why_not(Webhook(url=url), tries=3) == "answered 404"
    assert len(posted) == 1


def test_a_redirect_is_not_followed():
    """What was signed for one address would be handed to another."""
    with (
        web_server(200) as (elsewhere, caught),
        web_server(307, headers=[("Location", elsewhere)]) as (url, _),
    ):
        assert why_not(Webhook(url=url)) == "answered 307"
    assert caught == []


def test_a_webhook_that_hangs_costs_its_time_out_and_shows_no_address():
    """The path of a chat program's address is its password."""
    with web_server(200, hang=1.0) as (url, _):
        why = why_not(Webhook(url=url, timeout_seconds=0.3))
    assert why == "no answer (ReadTimeout)"


def settings(home, text):
    (home.root / "alerts.toml").write_text(text)


def test_a_failure_is_logged_and_told_in_words_a_person_can_act_on(home):
    """What failed, where, since when, why, what to do, where to look."""
    with web_server(200) as (url, posted):
        settings(home, f'[[webhooks]]\nurl = "{url}"\n')
        assert tell(FAILED, home).refused == {}
    logged = json.loads((home.logs / alerts.LOG).read_text())
    assert (logged["trial"], logged["run_id"], logged["hop"]) == ("ours", "run-1", "checked")
    text = json.loads(posted[0][1])["text"]
    for part in ("ours: the night failed at checked", "contract failure", "2026-11-21 02:00 UTC, 3 in a row",
                 "two arms", "validation report", str(home.validation("ours"))):  # fmt: skip
        assert part in text
    assert undelivered.read(home) == []


def test_recovery_and_silence_have_words_of_their_own(home):
    """And are no failures: the log of failures does not have them."""
    said = alerts.message_of(Recovered("ours", "run-2", "2026-11-21T02:00:00+00:00", 3), home)
    assert said["subject"] == "[srt] ours: the night works again"
    assert "3 times in a row" in said["body"]
    said = alerts.message_of(Stale("ours", "2026-11-01T02:00:00+00:00", 21.6, 7), home)
    assert said["subject"] == "[srt] ours: no new data for 22 days"
    assert "every 7" in said["body"]
    assert str(home.landing("ours")) in said["body"]
    alerts.write_log(said, home)
    assert not (home.logs / alerts.LOG).exists()


def test_an_alert_that_fails_hides_nothing_and_is_sent_later_in_order(home):
    """Mail is down on the very night the disk is full."""
    with web_server(500) as (url, _):
        settings(home, f'[[webhooks]]\nurl = "{url}"\n')
        assert tell(FAILED, home).refused == {"webhook 1": "answered 500"}
        tell(Recovered("ours", "run-2", "2026-11-21T02:00:00+00:00", 1), home)
    assert "run-1" in (home.logs / alerts.LOG).read_text()
    kept = undelivered.read(home)
    assert [one.message["event"] for one in kept] == ["failed", "recovered"]
    assert kept[0].why == "answered 500"
    assert "http" not in (home.logs / undelivered.FILE).read_text(), "the address is a secret"
    with web_server(200) as (url, posted):
        settings(home, f'[[webhooks]]\nurl = "{url}"\n')  # the address was mended meanwhile
        assert alerts.send_undelivered(home) == {}
    assert [json.loads(content)["event"] for _, content, _ in posted] == ["failed", "recovered"]
    assert undelivered.read(home) == []


def test_what_waits_is_bounded(home, monkeypatch):
    """A server that is away for a month must not fill the disk."""
    monkeypatch.setattr(undelivered, "MOST_KEPT", 3)
    settings(home, f'[[webhooks]]\nurl = "http://{LOOPBACK}:{free_port()}/"\n')
    chosen = load_settings(home.root)
    for number in range(5):
        undelivered.keep(home, chosen, {"number": number})
    assert [one.message["number"] for one in undelivered.read(home)] == [2, 3, 4]


def test_one_channel_that_is_down_does_not_keep_the_others_waiting(home):
    """Mail is down: the chat still shows it."""
    with web_server(200) as (url, posted):
        settings(
            home,
            f'[mail]\nhost = "{LOOPBACK}"\nport = {free_port()}\nsecurity = "none"\nsender = "s@x.org"\n'
            f'to = ["a@x.org"]\n[[webhooks]]\nurl = "{url}"\n',
        )
        assert list(tell(FAILED, home).refused) == ["mail"]
    assert len(posted) == 1
    assert [one.channel for one in undelivered.read(home)] == ["mail"]


def test_a_settings_file_with_mistakes_leaves_the_log(home):
    """The failure is told in the one place that needs no settings."""
    settings(home, "[mail")
    assert "alerts" in tell(FAILED, home).refused
    assert "run-1" in (home.logs / alerts.LOG).read_text()


def test_people_hear_only_of_what_they_asked_for(home):
    """A unit with fifty trials, of which three are this team's."""
    with web_server(200) as (url, posted):
        settings(home, f'tell = ["failed"]\ntrials = ["ours"]\n[[webhooks]]\nurl = "{url}"\n')
        tell(Recovered("ours", "run-2", "2026-11-21T02:00:00+00:00", 1), home)
        tell(Failed("theirs", "run-3", ("x",)), home)
        tell(FAILED, home)
    assert [json.loads(content)["run_id"] for _, content, _ in posted] == ["run-1"]


def test_a_sender_that_is_killed_loses_no_message(home, monkeypatch):
    """Kept first, sent then."""
    settings(home, f'[[webhooks]]\nurl = "http://{LOOPBACK}:{free_port()}/"\n')
    monkeypatch.setattr(undelivered, "deliver", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        tell(FAILED, home)
    assert [one.message["run_id"] for one in undelivered.read(home)] == ["run-1"]
