"""`srt report` and `srt trials --page`: which files they name."""

import json

import pytest

from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.published import publish


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


@pytest.fixture
def published(home):
    """Return the folder of a run's report, whole."""
    folder = home.reports("demo")
    publish(folder, {"results.csv": b"1", "report.docx": b"2", "report.html": b"page"})
    return folder


def test_of_a_whole_report_nothing_is_noted(published, capsys):
    """A note that is always there is not read."""
    assert entry.run_command_line(["report", "demo", "--json"]) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out)["whole"], told.err) == (True, "")


@pytest.mark.parametrize("audience", ["final", "open"])
def test_files_that_a_killed_run_has_mixed_are_told_to_be_so(published, monkeypatch, capsys, audience):
    """A page of one night beside the table of another."""
    (published / "open" / "report-open.html").write_text("a file")
    real = type(published).replace

    def killed(self, to):
        if to.name == "report.html":
            raise KeyboardInterrupt
        return real(self, to)

    monkeypatch.setattr(type(published), "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(published, {"results.csv": b"of tonight", "report.html": b"page of tonight"})
    assert entry.run_command_line(["report", "demo", "--audience", audience, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["whole"] is False
    said = " ".join(told.err.split())
    assert said == "The last run was cut short while it wrote these files; `srt run demo` makes them anew."


def test_a_file_that_somebody_took_away_is_no_run_cut_short(published, capsys):
    """What is said must be true, and the page is there to be read."""
    (published / "results.csv").unlink()
    assert entry.run_command_line(["report", "demo"]) == 0
    told = capsys.readouterr()
    assert told.out.split() == [str(published / name) for name in ("report.html", "report.docx")]
    assert "Not all files of the last run are there" in told.err


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
