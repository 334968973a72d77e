"""`srt doctor` and `srt trials`: what would stop a run, and how every trial stands."""

import json
import shutil

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.tables import Tables
from pipelines import doctor
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.store import write_tables


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "own"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "own").mkdir()
    return Home(tmp_path / "home")


@pytest.fixture
def broken(home, tmp_path):
    """A trial file with several mistakes."""
    text = (SHIPPED_TRIALS / "beat_the_blues.toml").read_text()
    for right, wrong in {
        "plan_version": "planversion",
        "seed = 20031": "seed = -1",
        'primary_estimand = "bdi_8_months"': 'primary_estimand = "bdi"',
        'better = "lower"': 'better = "down"',
    }.items():
        text = text.replace(right, wrong)
    (tmp_path / "own" / "broken.toml").write_text(text)
    return tmp_path / "own" / "broken.toml"


def levels(answers):
    return {answer.question: answer.level for answer in answers}


def test_a_healthy_place_has_no_failure(home):
    """Nothing is made by asking, either."""
    found = levels(doctor.examine(home))
    assert "failure" not in found.values()
    assert not home.root.exists()


def test_a_folder_that_cannot_be_written_is_a_failure_with_a_remedy(tmp_path):
    """Tried by writing: an administrator may write where rights say no, and not on a read-only disk."""
    (tmp_path / "file").write_text("")
    answers = [a for a in doctor.folders(Home(tmp_path / "file" / "home")) if a.level == "failure"]
    assert len(answers) == 7
    assert all("SRT_HOME" in answer.remedy for answer in answers)


@pytest.mark.parametrize(("free", "level"), [(10**12, "ok"), (10**9, "warning"), (10**7, "failure")])
def test_little_space_warns_and_too_little_fails(home, monkeypatch, free, level):
    """A run on a full disk leaves Dagster's records half told."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**12, 0, free))
    assert doctor.free_space(home).level == level


def test_another_dagster_home_is_pointed_out(home, monkeypatch, tmp_path):
    """Runs would not show in the pages somebody starts by hand."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    assert doctor.dagster_home(home).level == "warning"


def test_a_package_out_of_bounds_is_named(monkeypatch):
    """Results could differ, silently."""
    monkeypatch.setattr(
        doctor.metadata, "requires", lambda _name: ["pytest<1", "rich>=1", "nosuchpackage>=1"]
    )
    found = [answer.found for answer in doctor.package_versions()]
    assert any(text.startswith("pytest") and "<1" in text for text in found)
    assert "nosuchpackage is missing" in found


def test_doctor_leaves_with_1_when_something_is_wrong(broken, capsys):
    """So that a script can ask."""
    assert entry.run_command_line(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "failure"
    assert [a["question"] for a in told["answers"] if a["level"] == "failure"] == ["trial broken"]


def test_a_broken_trial_file_is_a_line_in_the_list_not_a_crash(broken, capsys):
    """The other trials are as well as before."""
    assert entry.run_command_line(["trials"]) == 0
    shown = capsys.readouterr().out
    with pytest.raises(PlanError) as mistakes:
        load_trial(broken)
    assert f"{len(mistakes.value.problems)} mistakes" in shown
    assert "`srt check broken` lists the mistakes" in shown
    assert "demo_negative" in shown


def test_trials_tell_how_the_last_run_ended(home, capsys):
    """The morning's question."""
    (home.landing("demo_null")).mkdir(parents=True)
    (home.landing("demo_null") / "a.csv").write_text("x")
    write_tables(home.store("demo", "landing"), Tables({}))
    write_tables(home.store("demo", "report"), Tables({}, {"estimated": True}))
    write_tables(home.store("beat_the_blues", "checked"), Tables({}, {"withheld": False}))
    write_tables(home.store("demo_negative", "checked"), Tables({}, {"withheld": True}))
    assert entry.run_command_line(["trials", "--json"]) == 0
    told = {one["trial"]: one for one in json.loads(capsys.readouterr().out)["trials"]}
    states = {name: one["status"] for name, one in told.items()}
    assert states == {
        "beat_the_blues": "checked",
        "demo": "done",
        "demo_negative": "withheld",
        "demo_null": "never run",
    }
    assert told["demo"]["last_run"]
    assert told["demo"]["arms"] == ["UC", "SRT"]
