"""`srt simulate` and `srt example`: whole files or none, and nothing that was there is lost."""

import os
import stat

import pytest

import pipelines.landing_data
from pipelines.cli import __main__ as entry
from pipelines.cli import data
from pipelines.cli.arguments import load


@pytest.fixture
def landing(monkeypatch, tmp_path):
    """Make data quickly, into a state folder of the test's own."""

    def make(_name, folder):
        (folder / "a.csv").write_text("new")
        (folder / "b.sav").write_text("new")

    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    monkeypatch.setattr(pipelines.landing_data, "make_data", make)
    return tmp_path / "landing"


def test_files_are_written_and_named(landing, capsys):
    """One sees where they are and that they are not empty."""
    assert entry.run_command_line(["simulate", "demo"]) == 0
    shown = capsys.readouterr().out
    assert "a.csv" in shown
    assert sorted(p.name for p in landing.iterdir()) == ["demo"]


def test_a_new_state_folder_is_its_owners_alone(landing, monkeypatch, tmp_path):
    """It was open to all when a demonstration was the first to use it, and `srt doctor` called that a failure."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "new"))
    usual = os.umask(0o022)
    try:
        assert entry.run_command_line(["simulate", "demo"]) == 0
    finally:
        os.umask(usual)
    folders = [tmp_path / "new" / below for below in ("", "landing", "landing/demo")]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 3


def test_data_that_are_there_stay(landing, capsys):
    """They may be a unit's only copy."""
    (landing / "demo").mkdir(parents=True)
    (landing / "demo" / "a.csv").write_text("old")
    assert entry.run_command_line(["simulate", "demo"]) == 7
    assert (landing / "demo" / "a.csv").read_text() == "old"
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "n"), [(["simulate", "demo"], 2), (["example", "beat_the_blues"], 2)])
def test_the_same_files_again_are_no_refusal(landing, capsys, words, n):
    """One seed, the same bytes each time: a script may ask for them twice."""
    assert entry.run_command_line(words) == 0
    before = {p: p.stat().st_mtime_ns for p in (landing / words[1]).iterdir()}
    capsys.readouterr()
    assert entry.run_command_line(words) == 0
    shown = capsys.readouterr()
    assert f"Already there, the same: {n} files" in shown.err
    assert "a.csv" in shown.out
    assert {p: p.stat().st_mtime_ns for p in (landing / words[1]).iterdir()} == before


@pytest.mark.parametrize("change", ["another byte", "one more", "one less"])
def test_files_that_differ_in_anything_are_refused(landing, change):
    """Somebody has changed them, or they are of another version."""
    entry.run_command_line(["simulate", "demo"])
    if change == "one less":
        (landing / "demo" / "b.sav").unlink()
    else:
        (landing / "demo" / ("a.csv" if change == "another byte" else "c.csv")).write_text("neu")
    assert entry.run_command_line(["simulate", "demo"]) == 7


def test_force_moves_the_old_ones_beside(landing):
    """What destroys can be undone."""
    (landing / "demo").mkdir(parents=True)
    (landing / "demo" / "a.csv").write_text("old")
    assert entry.run_command_line(["simulate", "demo", "--force"]) == 0
    (kept,) = landing.glob("demo.before-*")
    assert (kept / "a.csv").read_text() == "old"
    assert (landing / "demo" / "a.csv").read_text() == "new"


def test_a_failure_half_way_leaves_no_file(landing, monkeypatch):
    """A sensor or a run may look into the folder at any moment."""

    def half(_name, folder):
        (folder / "a.csv").write_text("ne")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipelines.landing_data, "make_data", half)
    assert entry.run_command_line(["simulate", "demo"]) == 7
    assert [p for p in landing.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("line", [["simulate", "beat_the_blues"], ["example", "demo"]])
def test_the_wrong_of_the_two_commands_names_the_right_one(landing, capsys, line):
    """Invented and real data shall not be mistaken for one another."""
    assert entry.run_command_line(line) == 3
    assert "makes its data" in capsys.readouterr().err


def test_a_units_own_trial_is_never_filled_with_invented_data(landing, monkeypatch, tmp_path, capsys):
    """Invented data in a real trial's landing folder would be analysed as real."""
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "trials"))
    entry.run_command_line(["new-trial", "hackney"])
    assert entry.run_command_line(["simulate", "hackney"]) == 3
    assert "Put its export into" in capsys.readouterr().err


def test_an_empty_landing_folder_of_an_example_is_filled_and_said_so(landing, capsys):
    """The first command of a newcomer is `srt run demo`."""
    data.ensure_data(load("demo"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "is empty: making its invented data first" in shown.err
    assert data.arrived(landing / "demo")


def test_a_landing_folder_with_one_file_is_left_alone(landing, capsys):
    """A form is missing then, and that is for the reader to say."""
    (landing / "demo").mkdir(parents=True)
    (landing / "demo" / "a.csv").write_text("old")
    data.ensure_data(load("demo"))
    assert [p.name for p in data.arrived(landing / "demo")] == ["a.csv"]
    assert capsys.readouterr().err == ""
