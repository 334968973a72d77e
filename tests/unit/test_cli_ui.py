"""`srt ui`: whom the pages are served to."""

import pytest

from pipelines.cli import __main__ as entry
from pipelines.cli import ui
from pipelines.home import Home
from pipelines.ui import ui_command


@pytest.fixture
def pages():
    """Return where our pages would have been served: socket, host, Dagster's port."""
    return []


@pytest.fixture
def served(monkeypatch, tmp_path, pages):
    """Return the commands that would have taken this process over."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    commands = []
    monkeypatch.setattr(ui.os, "execve", lambda _program, argv, _environment: commands.append(argv))
    monkeypatch.setattr(ui, "_must_be_free", lambda *_: None)
    monkeypatch.setattr("pipelines.ui.listen", lambda host, port, _option: (host, port))
    monkeypatch.setattr("pipelines.ui.serve_pages", lambda _home, *said: pages.append(said))
    monkeypatch.setattr(ui.os, "chdir", lambda _: None)
    return commands


def test_the_pages_listen_on_this_machine_alone(served):
    """They ask for no password."""
    assert entry.run_command_line(["ui", "--port", "3456"]) == 0
    (argv,) = served
    assert argv[argv.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "trials.example.org"])
def test_another_address_is_refused_unless_it_is_meant(served, capsys, host):
    """One option too many, and a hospital's network can launch runs."""
    assert entry.run_command_line(["ui", "--host", host]) == 2
    assert served == []
    assert "--without-sign-on" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert entry.run_command_line(["ui", "--host", host, "--without-sign-on"]) == 0
    assert host in served[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machines_own_addresses_are_let_be(served, host):
    """A proxy on the same machine reaches them."""
    assert entry.run_command_line(["ui", "--host", host]) == 0
    assert host in served[0]


def test_the_reports_pages_are_served_beside_dagsters_and_both_are_named(served, pages, capsys):
    """At the same address, at a port of their own; no browser is opened."""
    assert entry.run_command_line(["ui", "--port", "3456", "--pages-port", "3457"]) == 0
    assert pages == [(("127.0.0.1", 3457), "127.0.0.1", 3456)]
    told = capsys.readouterr().err
    assert "http://127.0.0.1:3456" in told
    assert "http://127.0.0.1:3457" in told


def test_others_are_not_let_in_to_the_reports_either(served, pages):
    """They ask for no password."""
    assert entry.run_command_line(["ui", "--host", "0.0.0.0"]) == 2
    assert pages == []


def test_two_kinds_of_pages_cannot_share_a_port(served, pages, capsys):
    """Told before either is started."""
    assert entry.run_command_line(["ui", "--port", "3456", "--pages-port", "3456"]) == 2
    assert (served, pages) == ([], [])
    assert "--pages-port" in capsys.readouterr().err


def test_read_only_pages_are_those_of_the_web_server_that_refuses_launches(tmp_path):
    """`dg dev` has no such switch."""
    argv, environment = ui_command(Home(tmp_path / "home"), 3456, read_only=True)
    assert argv[0].endswith("dagster-webserver")
    assert "--read-only" in argv
    assert argv[argv.index("--host") + 1] == "127.0.0.1"
    assert environment["DAGSTER_HOME"].endswith("dagster")
