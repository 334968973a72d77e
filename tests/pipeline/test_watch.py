"""What is noticed between nights: dead runs, failures nobody was told of, recovery, silence."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from data_contracts.errors import BusyError
from data_contracts.tables import Tables
from pipelines import leftovers, locks, noticing, told
from pipelines.alerts import LOG
from pipelines.data_age import data_since, silence
from pipelines.deliveries import Delivery, note_deliveries
from pipelines.fence import refuse_if_ended
from pipelines.home import Home
from pipelines.news import BEHIND
from pipelines.published import publish
from pipelines.store import write_tables
from pipelines.trials import load_named
from pipelines.watch import look_around

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SRT_TRIALS", raising=False)
    return Home(tmp_path / "home").ready()


@pytest.fixture
def instance():
    with dg.instance_for_test() as made:
        yield made


def add(instance, run_id, job="ours", status=STARTED, tags=None):
    return instance.add_run(dg.DagsterRun(job, run_id, status=status, tags=tags or {}))


def age(instance, monkeypatch, seconds):
    """Let it be that much later for whoever judges a run's age."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=seconds)

    monkeypatch.setattr(leftovers, "datetime", Later)


def status(instance, run_id):
    return instance.get_run_by_id(run_id).status


def test_a_run_of_the_daemon_that_nobody_answers_for_ends_as_failed(home, instance, monkeypatch):
    """After a power cut it says STARTED for six hours, and the trial's next night waits for it."""
    add(instance, "dead", tags={leftovers.SERVER: json.dumps({"socket": "/nowhere/at/all"})})
    age(instance, monkeypatch, 120)
    assert leftovers.fail_leftovers(instance, ["ours"], home.locks) == ["dead"]
    assert status(instance, "dead") is FAILURE


def test_a_run_that_has_just_begun_is_left_alone(home, instance):
    """It imports for some seconds before it takes the trial's lock."""
    add(instance, "young", tags={leftovers.SERVER: "{}"})
    assert leftovers.fail_leftovers(instance, ["ours"], home.locks) == []


def test_a_run_whose_server_answers_is_left_alone(home, instance, monkeypatch, tmp_path):
    """The server notices a dead worker itself, and may still be starting this one."""
    path = str(tmp_path / "server")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        add(instance, "alive", tags={leftovers.SERVER: json.dumps({"socket": path})})
        age(instance, monkeypatch, 3600)
        assert leftovers.fail_leftovers(instance, ["ours"], home.locks) == []


def test_a_run_that_holds_its_trial_is_alive_whatever_else_is_gone(home, instance, monkeypatch):
    """A worker outlives its server and goes on writing."""
    add(instance, "orphan", tags={leftovers.SERVER: "{}"})
    age(instance, monkeypatch, 3600)
    child = os.fork()
    if child == 0:  # another process: this one may take its own lock twice
        held = locks.take(home.locks, "ours")
        assert held
        (home.root / "held").touch()
        os.read(os.pipe()[0], 1)
    try:
        while not (home.root / "held").exists():
            pass
        assert leftovers.fail_leftovers(instance, ["ours"], home.locks) == []
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert leftovers.fail_leftovers(instance, ["ours"], home.locks) == ["orphan"]


def test_runs_of_other_jobs_and_runs_that_wait_are_left_alone(home, instance, monkeypatch):
    """A queued run has no process yet."""
    add(instance, "other", job="theirs", tags={leftovers.SERVER: "{}"})
    add(instance, "waits", status=dg.DagsterRunStatus.NOT_STARTED, tags={leftovers.SERVER: "{}"})
    age(instance, monkeypatch, 3600)
    assert leftovers.fail_leftovers(instance, ["ours"], home.locks) == []


def test_a_dead_run_of_all_trials_is_found_when_no_trial_is_held(home, instance, monkeypatch):
    """It takes them in turn."""
    add(instance, "all", job="all_trials", tags={leftovers.SERVER: "{}"})
    age(instance, monkeypatch, 3600)
    assert leftovers.fail_leftovers(instance, ["ours", "theirs"], home.locks) == ["all"]


def test_a_run_that_was_ended_writes_no_more(instance):
    """Its process may have stood still for hours while another published newer data."""
    add(instance, "ended", status=FAILURE)
    add(instance, "going")
    refuse_if_ended(instance, "going")
    with pytest.raises(BusyError, match="nothing more of it is stored"):
        refuse_if_ended(instance, "ended")


def test_an_ended_run_that_wakes_up_leaves_the_newer_tables_alone(home, monkeypatch):
    """The fence stands in the store itself, before each write."""
    from pipelines.resources import TableStore

    with dg.instance_for_test() as instance:

        @dg.asset(key=["ours", "raw"], io_manager_key="store")
        def raw(context: dg.AssetExecutionContext) -> Tables:
            instance.report_run_failed(context.run, "ended by somebody")
            return Tables({}, {"data_hash": "older"})

        write_tables(home.store("ours", "raw"), Tables({}, {"data_hash": "newer"}))
        done = dg.materialize(
            [raw], resources={"store": TableStore()}, instance=instance, raise_on_error=False
        )
    assert not done.success
    assert "newer" in (home.store("ours", "raw") / "manifest.json").read_text()


def failing_job(reason):
    @dg.op(name="ours__raw")
    def op():
        raise reason

    @dg.job(name="ours", tags={"srt/trial": "ours"})
    def job():
        op()

    return job


def lines(home):
    log = home.logs / LOG
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_without_a_daemon_failures_are_told_once_each(home, instance):
    """`srt alert` after `srt run` in cron's line."""
    failing_job(dg.Failure("no file", allow_retries=False)).execute_in_process(
        instance=instance, raise_on_error=False
    )
    noticing.tell_of_all_failures(instance, home)
    noticing.tell_of_all_failures(instance, home)
    (line,) = lines(home)
    assert line["reasons"] == ["ours__raw: no file"]
    assert line["in_a_row"] == 1


def test_the_text_of_an_error_nobody_foresaw_is_told_to_nobody(home, instance):
    """A library's message may quote a cell; the log is read by whoever looks after the machine."""
    job = failing_job(ValueError("could not convert 'Person-07 secret'"))
    job.execute_in_process(instance=instance, raise_on_error=False)
    noticing.tell_of_all_failures(instance, home)
    assert "Person-07" not in (home.logs / LOG).read_text()
    assert lines(home)[0]["reasons"] == ["ours__raw: an unexpected ValueError"]


def test_a_run_of_all_trials_tells_of_each_that_failed(home, instance):
    """Each has people of its own."""

    @dg.op(name="ours__raw")
    def ours():
        raise dg.Failure("no file", allow_retries=False)

    @dg.op(name="theirs__checked")
    def theirs():
        raise dg.Failure("withheld", allow_retries=False)

    @dg.job(name="all_trials")
    def job():
        ours()
        theirs()

    job.execute_in_process(instance=instance, raise_on_error=False)
    noticing.tell_of_all_failures(instance, home)
    assert [(line["trial"], line["hop"]) for line in lines(home)] == [("ours", "raw"), ("theirs", "checked")]


def test_failures_in_a_row_are_counted_until_the_night_works_again(home, instance):
    """The morning's reader wants to know since when."""
    failing = failing_job(dg.Failure("no file", allow_retries=False))
    for _ in range(2):
        failing.execute_in_process(instance=instance, raise_on_error=False)
    noticing.tell_of_all_failures(instance, home)
    assert [line["in_a_row"] for line in lines(home)] == [1, 2]
    assert lines(home)[0]["since"] == lines(home)[1]["since"]
    assert told.recall(home).failing["ours"]["in_a_row"] == 2

    noticing.tell_of_recoveries(instance, home)
    assert "ours" in told.recall(home).failing, "nothing has succeeded yet"
    published(home, "same", "same")
    add(instance, "good", status=dg.DagsterRunStatus.SUCCESS)
    noticing.tell_of_recoveries(instance, home)
    assert told.recall(home).failing == {}


def test_a_success_of_the_first_hops_alone_is_no_recovery(home, instance):
    """`srt check` succeeds while the report stays that of last week."""
    failing_job(dg.Failure("x", allow_retries=False)).execute_in_process(
        instance=instance, raise_on_error=False
    )
    noticing.tell_of_all_failures(instance, home)
    published(home, "newer", "older")
    add(instance, "check", status=dg.DagsterRunStatus.SUCCESS)
    noticing.tell_of_recoveries(instance, home)
    assert "ours" in told.recall(home).failing


def published(home, received, reported):
    write_tables(home.store("ours", "landing"), Tables({}, {"data_hash": received}))
    for hop in (*BEHIND, "report"):
        write_tables(home.store("ours", hop), Tables({}, {"data_hash": reported, "estimated": True}))
    publish(home.reports("ours"), {"report.html": b"<html></html>"})


def delivered(home, days_ago, sha, form="bdi"):
    folder = home.custody("beat_the_blues")
    folder.mkdir(parents=True, exist_ok=True)
    time = (NOON - timedelta(days=days_ago)).isoformat(timespec="seconds")
    note_deliveries(folder, [Delivery(time, "run", form, f"{form}.sav", sha, 1)])


def test_data_are_as_old_as_their_contents_not_as_the_last_run(home):
    """Every night takes receipt of the same file: that makes it no younger."""
    assert data_since("beat_the_blues", home) is None
    for days, sha in ((30, "a"), (20, "b"), (10, "b"), (1, "b")):
        delivered(home, days, sha)
    assert data_since("beat_the_blues", home) == NOON - timedelta(days=20)
    delivered(home, 5, "c", form="allocation")
    assert data_since("beat_the_blues", home) == NOON - timedelta(days=5), "one new form is new data"


def test_silence_is_told_once_and_again_only_after_new_data(home, monkeypatch):
    """A mail each minute is a mail nobody reads."""
    trial = load_named("beat_the_blues").trial
    sent = []
    monkeypatch.setattr(noticing, "tell", lambda what, _home: sent.append(what))
    delivered(home, 30, "a")
    assert silence(trial, home, NOON - timedelta(days=30 - trial.night.stale_after_days)) is None
    for _ in range(2):
        noticing.tell_of_silence([trial], home, NOON)
    assert [round(one.days) for one in sent] == [30]
    delivered(home, 1, "b")
    noticing.tell_of_silence([trial], home, NOON)
    assert len(sent) == 1
    noticing.tell_of_silence([trial], home, NOON + timedelta(days=20))
    assert len(sent) == 2


def test_shipped_examples_are_never_called_silent(home, instance, monkeypatch):
    """Nobody delivers to them."""
    delivered(home, 3000, "a")
    sent = []
    monkeypatch.setattr(noticing, "tell", lambda what, _home: sent.append(what))
    assert look_around(instance, home) == "All is well."
    assert sent == []


def test_a_damaged_memory_is_begun_anew(home):
    """It is a convenience: nobody must be kept from telling by it."""
    (home.logs / told.FILE).write_text("{")
    with told.remembered(home) as memory:
        memory.runs.append("a")
    assert told.recall(home).runs == ["a"]


def test_silence_needs_a_delivery(home):
    """A new trial waits for its first export: the night itself says that there is none."""
    trial = load_named("beat_the_blues").trial
    assert silence(trial, home, NOON) is None
