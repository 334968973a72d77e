"""`srt report` and `srt trials --page`: which files they name."""

import json

import pytest

from pipelines.cli import __main__ as entry
from pipelines.home import Home


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a state folder with the final report's files, of a trial that is not blinded."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "own"))
    made = Home(tmp_path / "home").ready()
    (made.reports("demo") / "open").mkdir(parents=True)
    for name in ("report.html", "report.docx", "results.csv"):
        (made.reports("demo") / name).write_text("a file")
    return made


def named(home, *names):
    return [str(home.reports("demo") / name) for name in names]


def test_every_file_is_named_the_page_first(home, capsys):
    """The Word file and the table are what is mailed on."""
    assert entry.run_command_line(["report", "demo"]) == 0
    assert capsys.readouterr().out.split() == named(home, "report.html", "report.docx", "results.csv")


def test_json_names_every_file_too(home, capsys):
    """The page keeps its key."""
    assert entry.run_command_line(["report", "demo", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == named(home, "report.html", "report.docx", "results.csv")
    assert (told["report"], told["audience"]) == (told["files"][0], "final")


def test_of_the_open_report_the_page_and_the_document_are_named(home, capsys):
    """It has no table of results."""
    for name in ("report-open.html", "report-open.docx"):
        (home.reports("demo") / "open" / name).write_text("a file")
    assert entry.run_command_line(["report", "demo", "--audience", "open"]) == 0
    assert capsys.readouterr().out.split() == named(home, "open/report-open.html", "open/report-open.docx")


def test_where_the_open_report_alone_is_missing_that_is_what_is_said(home, capsys):
    """ "There is no report" would be untrue; without any, it is what matters."""
    assert entry.run_command_line(["report", "demo", "--audience", "open"]) == 4
    assert "There is no open report of demo yet" in capsys.readouterr().err
    assert entry.run_command_line(["report", "demo_null"]) == 4
    assert "There is no report of demo_null yet" in capsys.readouterr().err


def test_json_of_the_trials_tells_the_page_that_was_written(home, capsys):
    """For a script that copies it; without `--page` none is written, and no key is there."""
    assert entry.run_command_line(["trials", "--page", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == str(home.root / "reports" / "index.html")
    assert {"demo", "demo_null"} <= {one["trial"] for one in told["trials"]}
    assert entry.run_command_line(["trials", "--json"]) == 0
    assert "page" not in json.loads(capsys.readouterr().out)
