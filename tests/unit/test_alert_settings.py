"""alerts.toml: every mistake at once, no secret shown, nothing sent in the clear."""

import json

import pytest

from data_contracts.errors import PlanError
from pipelines.alert_settings import TEMPLATE, AlertSettings, load_settings, write_template
from pipelines.cli import __main__ as entry

GOOD = """
[mail]
host = "smtp.example.org"
sender = "srt@example.org"
to = ["data@example.org"]
user = "srt"
password_env = "SRT_TEST_PASSWORD"
[[webhooks]]
url = "https://hooks.example.org/a/b/c"
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Load a text as the settings; return them or the sentence of the mistakes."""
    monkeypatch.setenv("SRT_TEST_PASSWORD", "hidden")

    def load(text):
        (tmp_path / "alerts.toml").write_text(text)
        (tmp_path / "alerts.toml").chmod(0o644)
        try:
            return load_settings(tmp_path)
        except PlanError as error:
            return str(error)

    return load


def test_a_right_file_names_its_channels_without_their_secrets(told):
    """Names go to logs; the path of a chat's address is its password."""
    settings = told(GOOD)
    assert [channel.name for channel in settings.channels] == [
        "mail by smtp.example.org",
        "webhook hooks.example.org",
    ]
    assert settings.mail.secret() == "hidden"
    assert "hidden" not in repr(settings)
    assert "/a/b/c" not in repr(settings)


def test_without_a_file_nobody_is_told(tmp_path):
    """The log is still written."""
    assert load_settings(tmp_path) == AlertSettings()


def test_all_mistakes_are_listed_at_once(told):
    """One round of mending, not five."""
    said = told(GOOD.replace('"srt@example.org"', '"nobody"').replace("user", "usr") + "tel = 3\n[other]\n")
    for part in ("mail.sender", "mail.usr", "webhooks.0.tel", "other"):
        assert part in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace("[mail]", '[mail]\nsecurity = "none"'), "on this machine"),
        (GOOD.replace("https:", "http:"), "https://"),
        (GOOD.replace('password_env = "SRT_TEST_PASSWORD"', 'password = "clear"'), "mode 0600"),
        (GOOD.replace("SRT_TEST_PASSWORD", "SRT_TEST_NOTHING"), "SRT_TEST_NOTHING is not set"),
        (GOOD.replace('password_env = "SRT_TEST_PASSWORD"', 'password_file = "/nowhere/x"'), "can't be read"),
        (GOOD.replace("password_env", 'password = "a"\npassword_env'), "give one of"),
        ("[[webhooks]]\n", "give `url`"),
        ("[mail\n", "a TOML file"),
    ],
)
def test_what_would_leak_or_never_arrive_is_a_mistake(told, wrong, said):
    """Found by the doctor, not on the night it is needed."""
    assert said in told(wrong)


def test_a_secret_file_that_others_can_read_is_refused(told, tmp_path):
    """Its only purpose is that they can't."""
    secret = tmp_path / "password"
    secret.write_text("hidden\n")
    text = GOOD.replace('password_env = "SRT_TEST_PASSWORD"', f'password_file = "{secret}"')
    secret.chmod(0o640)
    assert "chmod 600" in told(text)
    secret.chmod(0o600)
    assert told(text).mail.secret() == "hidden"


def test_the_template_is_valid_private_and_never_written_over_anything(tmp_path, told):
    """It holds addresses soon, perhaps a password."""
    assert isinstance(told(TEMPLATE), AlertSettings)
    uncommented = "\n".join(line.removeprefix("# ") for line in TEMPLATE.splitlines()[5:])
    assert "SRT_SMTP_PASSWORD is not set" in told(uncommented), (
        "what is commented out is right but for the secrets"
    )
    (tmp_path / "alerts.toml").unlink()
    assert write_template(tmp_path).stat().st_mode & 0o777 == 0o600
    (tmp_path / "alerts.toml").write_text("mine")
    assert write_template(tmp_path).read_text() == "mine"


def test_srt_alert_tests_the_channels_and_leaves_with_1_when_one_refuses(tmp_path, monkeypatch, capsys):
    """The first thing one does with a new file."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    assert entry.run_command_line(["alert", "--test", "--json"]) == 1
    assert "names nobody" in capsys.readouterr().out
    (tmp_path / "alerts.toml").write_text('[[webhooks]]\nurl = "http://127.0.0.1:1/hook"\n')
    assert entry.run_command_line(["alert", "--test", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"] == {"webhook 1": "no answer (ConnectionError)"}
    (tmp_path / "alerts.toml").write_text("[mail")
    assert entry.run_command_line(["alert", "--test", "--json"]) == 3
