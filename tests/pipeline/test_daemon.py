"""The real daemon and the real pages, with a night each minute: an empty folder, a delivery, a broken file."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from data_contracts.load import SHIPPED_TRIALS
from pipelines.home import PROJECT, Home
from pipelines.landing_data import make_data
from pipelines.record import make_record

BIN = Path(sys.executable).parent
PATIENCE = 240  # seconds for any one thing to be seen

pytestmark = pytest.mark.daemon


@pytest.fixture
def home(tmp_path, monkeypatch):
    text = (SHIPPED_TRIALS / "beat_the_blues.toml").read_text()
    trials = tmp_path / "trials"
    trials.mkdir()
    for name, cron in (
        ("ours", "* * * * *"),
        ("rare", "0 0 1 1 *"),
    ):  # a night each minute, a night each year
        (trials / f"{name}.toml").write_text(text.replace('cron = "0 2 * * *"', f'cron = "{cron}"'))
    monkeypatch.setenv("SRT_TRIALS", str(trials))
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    return Home(tmp_path / "home").ready()


@contextmanager
def started(log, *argv):
    """Run a long-lived program in a process group of its own, and end the whole group."""
    with log.open("wb") as out:
        program = subprocess.Popen(
            argv,
            cwd=PROJECT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(os.environ),
        )
    try:
        yield program
    finally:
        for end in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(program.pid, end)
                program.wait(timeout=20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def seen(what, find):
    """Wait until something is found, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(2)
    pytest.fail(f"not seen in {PATIENCE} s: {what}")


def runs(instance, tag, name, status):
    wanted = dg.RunsFilter(tags={tag: name}, statuses=[status])
    return instance.get_runs(wanted)


def failures(home):
    log = home.logs / "failures.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def test_nights_deliveries_and_failures_are_seen_by_the_real_daemon(home, tmp_path):
    """Schedules, sensors and the failure sensor are only known to work when Dagster itself evaluates them."""
    workspace, port = str(PROJECT / "workspace.yaml"), free_port()
    daemon = [str(BIN / "dagster-daemon"), "run", "-w", workspace]
    pages = [str(BIN / "dagster-webserver"), "-w", workspace, "-h", "127.0.0.1", "-p", port]
    landing = home.landing("ours")
    make_record(home)
    with (
        started(tmp_path / "daemon.log", *daemon),
        started(tmp_path / "pages.log", *pages),
        dg.DagsterInstance.from_config(str(home.dagster)) as instance,
    ):
        failed, done = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS
        night, sensor = ("dagster/schedule_name", "ours_nightly"), ("dagster/sensor_name", "rare_landing")

        seen("a night that fails for want of data", lambda: runs(instance, *night, failed))
        told = seen("that failure in the log", lambda: failures(home))
        assert "is empty" in told[0]["reasons"][0]

        make_data("beat_the_blues", home.landing("rare"))
        make_data("beat_the_blues", landing)
        seen("a run of the delivery, long before its night", lambda: runs(instance, *sensor, done))
        assert home.report("rare").exists()
        seen("a night that analyses the delivery", home.report("ours").exists)
        good = home.report("ours").read_bytes()
        quiet = seen("a night without news", lambda: unchanged(instance, runs(instance, *night, done)))
        assert quiet

        shutil.copyfile(landing / "allocation.csv", landing / "bdi.sav")
        before = len(failures(home))
        told = seen("the broken file in the log", lambda: failures(home)[before:])
        assert "bdi" in told[0]["reasons"][0]
        assert home.report("ours").read_bytes() == good

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=30) as answer:
            assert json.load(answer)["dagster_version"]
    assert "Deprecation" not in (tmp_path / "daemon.log").read_text()
    assert "Supersession" not in (tmp_path / "pages.log").read_text()


def unchanged(instance, found):
    """Return the runs that took receipt and made nothing."""
    made = {r.run_id: {e.asset_key.path[-1] for e in materialised(instance, r.run_id)} for r in found}
    return [run_id for run_id, hops in made.items() if hops == {"landing"}]


def materialised(instance, run_id):
    records = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return [r.dagster_event for r in records]
