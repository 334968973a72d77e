"""What starts a run between nights, and what is told when one fails."""

import json
import os
import time
from dataclasses import asdict

import dagster as dg
import pytest

from data_contracts import arrival
from data_contracts.operations import Arrival
from pipelines import alerts, sensors
from pipelines.home import Home
from pipelines.trials import load_named

FILES = ("participants.sav", "allocation.csv", "bdi.sav")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    return Home(tmp_path)


@pytest.fixture
def tick(home, monkeypatch):
    """Evaluate the sensor again and again, as the daemon does, with its cursor carried on, but at once."""
    monkeypatch.setattr(arrival, "MOMENT", 0)
    at_once = {"landing": Arrival(settle_seconds=0)}
    sensor = sensors.landing_sensor(load_named("beat_the_blues").trial.model_copy(update=at_once), runs=True)
    state = {"cursor": None}

    def evaluate():
        with dg.build_sensor_context(cursor=state["cursor"], sensor_name=sensor.name) as context:
            result = sensor(context)
        state["cursor"] = result.cursor
        return [
            r.run_key for r in result.run_requests or []
        ], result.skip_reason and result.skip_reason.skip_message

    return evaluate


def deliver(home, *names, text="x"):
    landing = home.landing("beat_the_blues")
    landing.mkdir(parents=True, exist_ok=True)
    for name in names:
        (landing / name).write_text(text)


def test_a_delivery_starts_one_run_once_it_has_settled(home, tick):
    """Two looks that agree: the copy is done."""
    deliver(home, *FILES)
    assert tick()[0] == []
    started, _ = tick()
    assert len(started) == 1
    assert tick() == ([], "Nothing new since the last run was started.")


def test_files_that_still_grow_are_waited_for(home, tick):
    """A half-copied export is a broken one."""
    deliver(home, *FILES)
    tick()
    deliver(home, "bdi.sav", text="longer")
    started, why = tick()
    assert started == []
    assert "changed" in why
    assert len(tick()[0]) == 1


def test_a_file_written_just_now_is_left_alone_however_often_it_is_looked_at(home):
    """Two looks in quick succession prove nothing: the plan says how long a file must hold still."""
    deliver(home, *FILES)
    trial, seen = load_named("beat_the_blues").trial, sensors.Seen()
    for _ in range(3):
        seen, why = sensors.look(home.landing("beat_the_blues"), trial, seen)
        assert "changed just now" in why


def test_a_manifest_that_speaks_of_more_bytes_than_there_are_is_waited_for(home, tick):
    """The sender says how long the file will be; until then it is under way."""
    deliver(home, *FILES)
    beside = home.landing("beat_the_blues") / "bdi.sav.manifest.json"
    beside.write_text(json.dumps({"sha256": "0" * 64, "size": 2}))
    tick()
    assert "2 bytes" in tick()[1]
    deliver(home, "bdi.sav", text="xx")
    tick()
    assert len(tick()[0]) == 1


def test_hidden_files_and_copies_under_way_are_no_news(home, tick):
    """A synchronising program that writes its journal every second would keep the sensor waiting for ever."""
    deliver(home, *FILES)
    tick()
    deliver(home, ".sync", "other.csv.part", text=str(time.time_ns()))
    assert len(tick()[0]) == 1


def test_a_delivery_under_way_is_no_failure(home, tick):
    """Forms arrive one by one; the night says if one stays away."""
    deliver(home, FILES[0])
    tick()
    started, why = tick()
    assert started == []
    assert "bdi.sav" in why


def test_an_empty_or_absent_folder_starts_nothing(home, tick):
    """A new trial has no landing folder yet."""
    assert tick()[0] == []
    deliver(home)
    assert tick()[0] == []


def test_the_same_bytes_delivered_again_start_a_run_of_their_own(home, tick):
    """A new time is a new delivery; the receipt will say that it brought nothing."""
    deliver(home, *FILES)
    tick()
    first, _ = tick()
    for name in FILES:
        os.utime(home.landing("beat_the_blues") / name, (1, 1))
    tick()
    second, _ = tick()
    assert first != second
    assert len(second) == 1


def test_the_cursor_holds_no_file_name(home, tick):
    """Names of files may hold names of people."""
    deliver(home, *FILES)
    sensor_cursor = asdict(
        sensors.look(home.landing("beat_the_blues"), load_named("beat_the_blues").trial, sensors.Seen())[0]
    )
    assert "bdi" not in json.dumps(sensor_cursor)


def test_a_failed_run_is_written_to_the_log_with_the_message_of_its_hop(home):
    """The log is what a person finds in the morning; mail and web hooks will say the same."""

    @dg.op(name="small__landing")
    def failing():
        raise dg.Failure("There is no file scores.csv.", allow_retries=False)

    @dg.job(name="small", tags={"srt/trial": "small"})
    def job():
        failing()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="failures",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        sensors.failures(context)
    line = json.loads((home.logs / alerts.LOG).read_text())
    assert (line["trial"], line["run_id"]) == ("small", result.dagster_run.run_id)
    assert line["reasons"] == ["small__landing: There is no file scores.csv."]
