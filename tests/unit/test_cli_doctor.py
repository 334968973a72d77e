"""`srt doctor` and `srt trials`: what would stop a run, and how every trial stands."""

import json
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.tables import Tables
from pipelines import doctor, doctor_state
from pipelines.alert_settings import AlertSettings, Webhook
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.store import write_tables
from pipelines.undelivered import keep


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


def asked(home, question, *, quick=True):
    """Return the answers to one question, by examining the whole."""
    return [one for one in doctor.examine(home, quick=quick) if one.question == question]


def test_a_damaged_database_is_named_before_a_night_meets_it(home):
    """A page of Dagster's record that the disk has lost."""
    path = home.ready().dagster / "history" / "runs.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (a TEXT)")
        connection.execute("INSERT INTO runs VALUES (hex(zeroblob(20000)))")
        connection.commit()
    name = "dagster/history/runs.db"
    assert [one.level for one in asked(home, name)] == ["ok"]
    content = bytearray(path.read_bytes())
    content[4096:9000] = b"\xff" * (9000 - 4096)
    path.write_bytes(content)
    assert [one.level for one in asked(home, name)] == ["failure"]


def test_a_database_somebody_holds_is_a_warning(home):
    """It passes."""
    path = home.ready().dagster / "history" / "runs.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE runs (a TEXT)")
        connection.execute("BEGIN EXCLUSIVE")
        (answer,) = asked(home, "dagster/history/runs.db")
    assert (answer.level, answer.found) == ("warning", "another program holds it")


def test_alerts_are_checked_down_to_their_secrets(home, monkeypatch):
    """Found in the afternoon, not in the night."""
    assert [one.level for one in asked(home.ready(), "alerts")] == ["warning"]
    settings = home.root / "alerts.toml"
    settings.write_text('[[webhooks]]\nurl_env = "SRT_TEST_HOOK"\n[mail]\nhost = 3\n')
    assert {one.level for one in asked(home, "alerts")} == {"failure"}
    settings.write_text('[[webhooks]]\nurl_env = "SRT_TEST_HOOK"\n')
    assert "SRT_TEST_HOOK is not set" in asked(home, "alerts")[0].found
    monkeypatch.setenv("SRT_TEST_HOOK", "https://hooks.example.org/secret/path")
    (answer,) = asked(home, "alerts")
    assert answer.level == "ok"
    assert "secret" not in answer.found


def test_messages_that_wait_are_shown(home):
    """Somebody was not told."""
    keep(home.ready(), AlertSettings(webhooks=(Webhook(url="https://x.org/"),)), {"event": "failed"})
    (answer,) = asked(home, "undelivered")
    assert (answer.level, answer.found) == ("warning", "1 messages were not taken: not tried yet")


def test_a_missing_or_cut_copy_in_custody_is_a_failure(home):
    """Cheap: by size; runs hash them."""
    write_tables(home.store("demo", "landing"), Tables({}, {"files": {"a": {"sha256": "f" * 64, "size": 3}}}))
    home.custody("demo").mkdir(parents=True)
    assert "missing" in asked(home, "custody")[0].found
    copy = home.custody("demo") / "ff" / ("f" * 64)
    copy.parent.mkdir()
    copy.write_text("ab")
    assert "damaged" in asked(home, "custody")[0].found
    copy.write_text("abc")
    assert [one.level for one in asked(home, "custody")] == ["ok"]


def test_secrets_that_others_may_read_are_failures(home):
    """Whoever reads the allocation is no longer blind."""
    home.keys.mkdir(parents=True)
    home.keys.chmod(0o755)
    (answer,) = asked(home, "rights")
    assert answer.level == "failure"
    assert answer.remedy == f"chmod 700 {home.keys}"


def test_a_clock_that_is_off_is_a_failure(home, monkeypatch):
    """Nights and settled files go by it; a disk on a server has a clock of its own."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 60)
    assert doctor_state.clock(home).level == "failure"


def test_one_question_that_cannot_be_asked_leaves_the_others(home, monkeypatch):
    """A doctor who faints at the first wound helps nobody."""

    def faint(_home):
        raise RuntimeError("never seen before")

    monkeypatch.setattr(doctor_state, "databases", faint)
    answers = list(doctor.examine(home, quick=True))
    assert [one.found for one in answers if one.question == "databases"] == [
        "could not be asked (RuntimeError)"
    ]
    assert answers[-1].question != "databases"


def test_a_query_server_that_is_away_is_told_without_its_password(home, monkeypatch):
    """The answer goes to terminals and tickets."""
    monkeypatch.setenv("SRT_DATABASE_URL", "postgresql+psycopg2://srt:hidden@127.0.0.1:1/queries")
    monkeypatch.setattr("pipelines.doctor_state.SERVER_PATIENCE", 0.1)
    (answer,) = asked(home, "query book")
    assert answer.level == "failure"
    assert "hidden" not in str(answer)


def test_daemon_nights_and_leftover_runs_are_asked_of_dagster(home, tmp_path, monkeypatch):
    """The three things that quietly stop a unit's nights."""
    import dagster as dg
    from dagster._core.remote_origin import RemoteInstigatorOrigin
    from dagster._core.scheduler import instigation

    from pipelines import leftovers
    from pipelines.execution import _origin
    from pipelines.record import make_record

    shutil.copy(SHIPPED_TRIALS / "beat_the_blues.toml", tmp_path / "own" / "ours.toml")
    make_record(home.ready())
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        instance.add_run(
            dg.DagsterRun("ours", "dead", status=dg.DagsterRunStatus.STARTED, tags=leftovers.BY_COMMAND_LINE)
        )
        origin = RemoteInstigatorOrigin(_origin("ours").repository_origin, "ours_nightly")
        schedule, stopped = instigation.InstigatorType.SCHEDULE, instigation.InstigatorStatus.STOPPED
        data = instigation.ScheduleInstigatorData("0 2 * * *")
        instance.add_instigator_state(instigation.InstigatorState(origin, schedule, stopped, data))
    answers = {one.question: one for one in doctor.examine(home)}
    assert answers["Dagster's record"].level == "ok"
    assert (answers["daemon"].level, answers["daemon"].found) == (
        "warning",
        "not running; last sign of life: never",
    )
    assert answers["nights"].found == "switched off: ours_nightly"
    assert "lost its process" in answers["runs"].found
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert instance.get_run_by_id("dead").status is dg.DagsterRunStatus.STARTED, "asking changes nothing"
