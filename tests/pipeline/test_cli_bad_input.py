"""Bad input at the command line, in processes of their own: one message that helps, a documented exit code,
and the last good night's results untouched."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.store import read_tables

pytestmark = pytest.mark.slow
REPO = Path(__file__).parents[2]
SHIPPED = REPO / "data_contracts" / "trials" / "beat_the_blues.toml"
HEADER_P, HEADER_A, HEADER_V = "pid,age", "pid,arm,randomised_on", "pid,visit,hours"
PLAN = """
title = "A small trial"
description = "Forty participants, two arms, two follow-ups."
plan_version = "1.0"
seed = 1
primary_estimand = "hours_m9"

[blinding]
open_because = "invented for a test"

[[arms]]
code = "UC"
label = "Usual care"
reference = true
[[arms]]
code = "SRT"
label = "Social Recovery Therapy"
therapy = true

[[visits]]
code = "base"
label = "Baseline"
month = 0
baseline = true
[[visits]]
code = "m9"
label = "9 months"
month = 9
[[visits]]
code = "m15"
label = "15 months"
month = 15

[forms.participants]
label = "Participants"
kind = "participants"
file = "participants.csv"
format = "csv"
key = ["participant"]
[forms.participants.columns]
participant = { source = "pid", type = "text", label = "Participant", required = true, severity = "critical" }
age = { type = "integer", label = "Age", range = [16, 65] }

[forms.allocation]
label = "Allocation"
kind = "allocation"
file = "allocation.csv"
format = "csv"
key = ["participant"]
[forms.allocation.columns]
participant = { source = "pid", type = "text", label = "Participant", required = true, severity = "critical" }
arm = { type = "text", label = "Arm", required = true, severity = "critical" }
randomised_on = { type = "date", label = "Randomised on", format = "%Y-%m-%d" }

[forms.hours]
label = "Hours"
kind = "visits"
file = "hours.csv"
format = "csv"
key = ["participant", "visit"]
[forms.hours.columns]
participant = { source = "pid", type = "text", label = "Participant", required = true, severity = "critical" }
visit = { type = "text", label = "Visit", required = true, severity = "critical" }
hours = { type = "number", label = "Structured activity", range = [0, 168] }

[outcomes.hours]
label = "Structured activity"
form = "hours"
column = "hours"
unit = "hours per week"
better = "higher"

[populations.randomised]
label = "All randomised"

[estimands.hours_m9]
label = "Hours at 9 months"
clause = "SAP 1"
treatment = "SRT plus usual care against usual care"
population = "randomised"
outcome = "hours"
visit = "m9"
summary = "difference in adjusted mean hours"
intercurrent_events = [{ event = "stopping therapy", strategy = "treatment policy" }]

[analyses.primary]
label = "Mixed-effects model"
estimand = "hours_m9"
estimator = "lmm"
role = "primary"
covariates = ["age"]
"""
GOOD_RESULTS = ("accepted", "analysis_set", "results", "report")


class Unit:
    """A trials unit with one small trial: its files, and the command line."""

    def __init__(self, folder):
        self.folder, self.home = folder, folder / "home"
        self.plan = folder / "trials" / "tiny.toml"

    def landing(self, name):
        return self.home / "landing" / "tiny" / name

    def start(self, *words, home=None):
        """Start a command."""
        env = {**os.environ, "SRT_HOME": str(home or self.home), "SRT_TRIALS": str(self.folder / "trials")}
        env |= {"PYTHONPATH": str(REPO), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "pipelines.cli", *words, "--json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=env, **pipes)

    def srt(self, *words, home=None):
        """Run a command; return its exit code, its JSON and its messages."""
        with self.start(*words, home=home) as run:
            out, messages = run.communicate(timeout=180)
        return run.returncode, json.loads(out), messages

    def kept(self):
        """Return the bytes of what a bad night must not touch."""
        files = [p for hop in GOOD_RESULTS for p in (self.home / "store" / "tiny" / hop).glob("*")]
        return {p: p.read_bytes() for p in [*files, self.home / "reports" / "tiny" / "report.html"]}

    def litter(self):
        return [p for p in self.home.rglob("*") if p.name.startswith((".tmp", "tmp"))]


def write(landing):
    """Write forty participants, each with three visits; the same each time."""
    landing.mkdir(parents=True)
    people = [f"P{n:03d}" for n in range(1, 41)]
    ages = [f"{p},{20 + n % 30}" for n, p in enumerate(people)]
    arms = [f"{p},{'SRT' if n % 2 else 'UC'},2024-03-{1 + n % 28:02d}" for n, p in enumerate(people)]
    visits = [
        f"{p},{visit},{10 + 4 * (n % 2) * step + 3 * step + (n * 7919 + step * 104729) % 97 / 10:.1f}"
        for n, p in enumerate(people)
        for step, visit in enumerate(("base", "m9", "m15"))
    ]
    for name, header, rows in (
        ("participants", HEADER_P, ages),
        ("allocation", HEADER_A, arms),
        ("hours", HEADER_V, visits),
    ):
        (landing / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")


def change(path, edit):
    """Rewrite a file's lines."""
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")


@pytest.fixture(scope="session")
def after_a_good_night(tmp_path_factory):
    """A unit whose trial has run well once."""
    unit = Unit(tmp_path_factory.mktemp("good"))
    unit.plan.parent.mkdir()
    unit.plan.write_text(PLAN)
    write(unit.home / "landing" / "tiny")
    code, told, messages = unit.srt("run", "tiny")
    assert (code, told["status"]) == (0, "success"), messages
    return unit


@pytest.fixture
def unit(after_a_good_night, tmp_path):
    """A copy of it, to be spoilt; when the test is over, nothing may lie about."""
    shutil.copytree(after_a_good_night.folder, tmp_path / "unit")
    unit = Unit(tmp_path / "unit")
    yield unit
    assert unit.litter() == []


def spoilt(unit, code, *words, command=("run", "tiny")):
    """Run; hold code, words and untouched results; return the JSON."""
    before = unit.kept()
    found, told, messages = unit.srt(*command)
    assert (found, told["error"]["exit_code"]) == (code, code), messages
    assert "Traceback" not in messages
    for word in words:
        assert word in messages
    assert unit.kept() == before
    return told


def test_an_unknown_trial(unit):
    """The near name is offered."""
    spoilt(unit, 3, "no trial named 'tinny'", "Did you mean `tiny`?", command=("run", "tinny"))


def test_a_plan_with_five_mistakes_lists_all_five(unit):
    """One run to find them, one to see that they are mended."""
    text = unit.plan.read_text()
    for right, wrong in {
        "seed = 1\n": "seed = -1\n",
        "month = 9": 'month = "nine"',
        'better = "higher"': 'better = "up"',
        'covariates = ["age"]': 'covariates = ["height"]',
        'estimator = "lmm"': 'estimator = "magic"',
    }.items():
        assert right in text
        text = text.replace(right, wrong)
    unit.plan.write_text(text)
    told = spoilt(unit, 3, "seed", "month", "'up'", "'height'", "'magic'")
    assert len(told["error"]["problems"]) == 5


def test_an_empty_landing_folder(unit):
    """Every file that is waited for is named."""
    for path in unit.landing("").glob("*"):
        path.unlink()
    spoilt(unit, 4, "participants.csv", "allocation.csv", "hours.csv")


def test_no_landing_folder_at_all(unit):
    """The state of a trial on its first day."""
    shutil.rmtree(unit.landing(""))
    spoilt(unit, 4, "participants.csv")


def test_one_form_missing(unit):
    """Only that one is complained about."""
    unit.landing("allocation.csv").unlink()
    told = spoilt(unit, 4, "allocation.csv")
    assert len(told["error"]["problems"]) == 1


def test_a_sav_that_is_a_renamed_csv(unit):
    """Renaming is no conversion; the message says what the file is."""
    text = unit.plan.read_text().replace(
        'file = "hours.csv"\nformat = "csv"', 'file = "hours.sav"\nformat = "sav"'
    )
    unit.plan.write_text(text)
    unit.landing("hours.csv").rename(unit.landing("hours.sav"))
    spoilt(unit, 4, "hours.sav")


def test_a_csv_of_zero_rows(unit):
    """An export that failed half-way often looks like this."""
    change(unit.landing("hours.csv"), lambda lines: lines[:1])
    spoilt(unit, 4, "hours.csv", "no records")


def test_an_arm_that_is_not_in_the_plan(unit):
    """It withholds the data, and a query names the record."""
    change(
        unit.landing("allocation.csv"),
        lambda lines: [*lines[:5], lines[5].replace(",UC", ",CBT"), *lines[6:]],
    )
    told = spoilt(unit, 5, "arm")
    assert told["queries"]["critical"] >= 1


def test_a_participant_in_both_arms(unit):
    """Nobody can say which of the two was received."""
    change(unit.landing("allocation.csv"), lambda lines: [*lines, "P001,SRT,2024-03-01"])
    told = spoilt(unit, 5)
    assert told["queries"]["critical"] >= 1


def test_a_visit_that_is_not_in_the_plan(unit):
    """The record is set aside and asked about; the rest is analysed."""
    change(unit.landing("hours.csv"), lambda lines: [*lines, "P001,m99,20.0"])
    code, told, _ = unit.srt("run", "tiny")
    assert (code, told["status"]) == (0, "success")
    assert {f["form"]: f["quarantined"] for f in told["forms"]}["hours"] == 1
    assert told["queries"]["critical"] == 1


def test_an_outcome_with_one_arm_all_missing(unit):
    """There is nothing to compare: said so in the report and by the exit code."""
    treated = {
        line.split(",")[0]
        for line in unit.landing("allocation.csv").read_text().splitlines()
        if ",SRT," in line
    }

    def emptied(lines):
        return [
            ",".join([*x.split(",")[:2], ""]) if x.split(",")[0] in treated and ",m" in x else x
            for x in lines
        ]

    change(unit.landing("hours.csv"), emptied)
    code, told, messages = unit.srt("run", "tiny")
    assert (code, told["status"]) == (6, "estimation failure"), messages
    assert told["primary"]["estimate"] is None
    assert "could not be estimated" in Path(told["report"]).read_text()


def test_a_model_that_cannot_converge(unit):
    """A constant outcome has an infinite likelihood; no number may come out of it."""
    change(
        unit.landing("hours.csv"),
        lambda lines: [lines[0], *(f"{x.rpartition(',')[0]},12" for x in lines[1:])],
    )
    code, told, messages = unit.srt("run", "tiny")
    assert (code, told["status"]) == (6, "estimation failure"), messages
    assert told["primary"]["estimate"] is None


def test_a_state_folder_that_cannot_be_made(unit, tmp_path):
    """Here below a file; an administrator's rights would get past any other obstacle."""
    (tmp_path / "file").write_text("")
    code, _, messages = unit.srt("run", "tiny", home=tmp_path / "file" / "home")
    assert code == 7
    assert "SRT_HOME" in messages
    assert "Traceback" not in messages


@pytest.mark.parametrize("hop", ["tiny:", "raw"])
def test_a_run_that_is_stopped_by_hand(unit, hop):
    """Ctrl-C ends at once, without a traceback; the next run is well."""
    change(unit.landing("hours.csv"), lambda lines: lines[:-1])
    before = unit.kept()
    with unit.start("run", "tiny") as run:
        messages = ""
        for line in run.stderr:
            messages += line
            if hop in line:
                run.send_signal(signal.SIGINT)
    assert run.returncode == 130, messages
    assert "Traceback" not in messages
    assert unit.kept() == before
    assert unit.srt("run", "tiny")[0] == 0


@pytest.fixture
def disk(tmp_path):
    """A small disk of one's own; left out where it can't be had."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def on_disk(after_a_good_night, disk):
    shutil.copytree(after_a_good_night.folder, disk / "unit")
    return Unit(disk / "unit")


def test_a_read_only_disk(after_a_good_night, disk):
    """Rights can be right and the disk still refuse."""
    unit = on_disk(after_a_good_night, disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    spoilt(unit, 7, "SRT_HOME")


def fill(disk):
    """Take what room there is."""
    with (disk / "filler").open("wb") as file, suppress(OSError):
        while True:
            file.write(b"0" * 2**20)
            file.flush()


def well_again(unit, disk):
    """With room, the next night runs as if nothing had been."""
    (disk / "filler").unlink()
    code, told, messages = unit.srt("run", "tiny")
    assert (code, told["status"]) == (0, "success"), messages
    assert unit.litter() == []


def test_a_full_disk(after_a_good_night, disk):
    """Seen before anything is begun."""
    unit = on_disk(after_a_good_night, disk)
    fill(disk)
    spoilt(unit, 7, "Free some space")
    well_again(unit, disk)


@pytest.mark.parametrize("hop", ["landing", "checked"])
def test_a_disk_that_fills_while_a_trial_runs(after_a_good_night, disk, hop):
    """After whichever hop: what was stored is whole, the code is right, and the next night runs well."""
    unit = on_disk(after_a_good_night, disk)
    change(unit.landing("hours.csv"), lambda lines: lines[:-1])
    before = unit.kept()
    with unit.start("run", "tiny") as run:
        messages = ""
        for line in run.stderr:
            messages += line
            if hop in line and not (disk / "filler").exists():
                fill(disk)
        told = json.loads(run.stdout.read())
    assert (run.returncode, told["status"]) == (7, "storage error"), messages
    assert "disk" in messages
    assert "Traceback" not in messages
    assert "Exception while" not in messages
    for hop_folder in (unit.home / "store" / "tiny").iterdir():
        read_tables(hop_folder)
    assert unit.kept() == before or hop == "checked"
    well_again(unit, disk)
