"""A small invented trial, the state folder it lives in, and what can be asked of it after an accident."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines import store
from pipelines.home import PROJECT, Home

NAME = "small"
HOPS = (
    "raw",
    "checked",
    "quarantine",
    "accepted",
    "analysis_set",
    "results",
)  # queries hold when they were seen
TRIAL = """
title = "A small trial"
description = "Two arms, three visits, invented: for tests of accidents."
plan_version = "1"
seed = 7
primary_estimand = "effect"
synthetic = true

[blinding]
open_because = "the participants are invented"

[night]
cron = "30 1 * * *"
time_zone = "Europe/London"

[landing]
settle_seconds = 0

[[arms]]
code = "UC"
label = "Usual care"
reference = true

[[arms]]
code = "SRT"
label = "Therapy and usual care"
therapy = true

[[visits]]
code = "base"
label = "Baseline"
month = 0
baseline = true

[[visits]]
code = "m6"
label = "6 months"
month = 6

[[visits]]
code = "m12"
label = "12 months"
month = 12

[forms.participants]
label = "Participants"
kind = "participants"
file = "participants.csv"
format = "csv"
key = ["participant"]
[forms.participants.columns]
participant = { type = "text", required = true, severity = "critical" }

[forms.allocation]
label = "Allocation"
kind = "allocation"
file = "allocation.csv"
format = "csv"
key = ["participant"]
[forms.allocation.columns]
participant = { type = "text", required = true, severity = "critical" }
arm = { type = "text", required = true, severity = "critical" }

[forms.scores]
label = "Scores"
kind = "visits"
file = "scores.csv"
format = "csv"
key = ["participant", "visit"]
[forms.scores.columns]
participant = { type = "text", required = true, severity = "critical" }
visit = { type = "text", required = true, severity = "critical" }
score = { type = "number", range = [-50, 150] }

[outcomes.score]
label = "Score"
form = "scores"
column = "score"
better = "higher"

[populations.randomised]
label = "All randomised"

[estimands.effect]
label = "Score at 12 months"
clause = "SAP 1"
treatment = "therapy against usual care"
population = "randomised"
outcome = "score"
visit = "m12"
summary = "difference in means"
intercurrent_events = [{ event = "stopping", strategy = "treatment policy" }]

[analyses.primary]
label = "Mixed-effects model"
estimand = "effect"
estimator = "lmm"
role = "primary"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A state folder with the small trial in it."""

    root: Path
    name: str = NAME
    more: Mapping[str, str] = field(default_factory=dict)  # environment

    @property
    def home(self) -> Home:
        """Return the state folder."""
        return Home(self.root / "home")

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which the trial is known and the state folder found."""
        own = {
            "SRT_HOME": str(self.home.root),
            "SRT_TRIALS": str(self.root / "trials"),
            "OMP_NUM_THREADS": "1",
        }
        return {**os.environ, **own, "DAGSTER_HOME": str(self.home.dagster), **self.more}

    def srt(self, *arguments: str) -> list[str]:
        """Return a command line."""
        return [sys.executable, "-m", "pipelines.cli", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command, in a process group of its own."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.srt(*arguments),
            cwd=PROJECT,
            env=self.environment,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )

    def night(self) -> subprocess.CompletedProcess[bytes]:
        """Run the trial as cron would, and return what came of it."""
        command = self.srt("run", self.name, "--if-changed", "--json")
        return subprocess.run(command, cwd=PROJECT, env=self.environment, capture_output=True, check=False)

    def fingerprint(self) -> dict[str, str]:
        """Return the SHA-256 of every table's file, read from the disk."""
        found = {}
        for hop in HOPS:
            for table, path in store.table_files(self.home.store(self.name, hop)).items():
                found[f"{hop}/{table}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def unreadable(self) -> list[str]:
        """Return the published files that can't be read, or are not what their manifest says."""
        return [*self._unreadable_tables(), *self._unreadable_pages()]

    def _unreadable_tables(self) -> Iterator[str]:
        for manifest in self.home.root.glob("store/*/*/manifest.json"):
            try:
                store.read_tables(manifest.parent)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it
                yield f"{manifest.parent.name}: {type(error).__name__}"

    def _unreadable_pages(self) -> Iterator[str]:
        report = self.home.report(self.name)
        if report.exists() and not report.read_bytes().rstrip().endswith(b"</html>"):
            yield "report.html is cut"


def write_exports(landing: Path, effect: float = 5.0, people: int = 40) -> None:
    """Write the three files of a delivery; another effect is another delivery."""
    landing.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    names = [f"Person-{i:03d}" for i in range(people)]
    arms = {name: "UC" if i % 2 else "SRT" for i, name in enumerate(names)}
    scores = ["participant,visit,score"]
    for name in names:
        own = rng.gauss(50, 8)
        for visit in ("base", "m6", "m12"):
            gain = effect if arms[name] == "SRT" and visit != "base" else 0
            scores.append(f"{name},{visit},{own + gain + rng.gauss(0, 4):.2f}")
    (landing / "participants.csv").write_text("participant\n" + "\n".join(names) + "\n")
    (landing / "allocation.csv").write_text(
        "participant,arm\n" + "".join(f"{p},{a}\n" for p, a in arms.items())
    )
    (landing / "scores.csv").write_text("\n".join(scores) + "\n")


@contextmanager
def new_place(folder: Path | None = None) -> Iterator[Place]:
    """Make a state folder with the trial and a delivery in it, for as long as the block lasts."""
    with TemporaryDirectory(prefix="srt-reliability-", dir=folder) as made:
        place = Place(Path(made))
        (place.root / "trials").mkdir()
        (place.root / "trials" / f"{NAME}.toml").write_text(TRIAL)
        write_exports(place.home.landing(NAME))
        yield place


def status_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the status a run ended with, as `--json` says it."""
    try:
        return str(json.loads(done.stdout)["status"])
    except (ValueError, KeyError):
        return f"exit {done.returncode}"


def reference(place: Place) -> dict[str, str]:
    """Run the trial once, undisturbed, and return the fingerprint of what it made."""
    done = place.night()
    if status_of(done) != "success":
        raise RuntimeError(done.stderr.decode()[-2000:])
    return place.fingerprint()
