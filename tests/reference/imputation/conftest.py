"""Data and rbmi's numbers. The trial's data are not committed: without ../shared these tests say why they skip."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.imputation import Roles, after_last_observed, arranged, base_model

HERE = Path(__file__).parent
SHARED = Path(__file__).resolve().parents[4] / "shared"
TEXT = {
    "PATIENT": str,
    "PATIENT_ORIG": str,
    "VISIT": str,
    "id": str,
    "time": str,
    "treat": str,
    "practice_id": str,
}


@pytest.fixture(scope="session")
def shared():
    """Read one of the shared files."""

    def read(name: str) -> pd.DataFrame:
        if not (SHARED / name).exists():
            pytest.skip(f"{name} is not there: the shared data stand beside the repository, not in it")
        return pd.read_csv(SHARED / name, dtype=TEXT, na_values=["NA"])

    return read


@pytest.fixture(scope="session")
def condmean():
    """Conditional-mean imputation and jackknife: deterministic."""
    return json.loads((HERE / "rbmi_condmean.json").read_text())


@pytest.fixture(scope="session")
def random():
    """Approximate Bayes and bootstrap, with their seeds."""
    return json.loads((HERE / "rbmi_random.json").read_text())


@pytest.fixture(scope="session")
def antidepressant(shared):
    """Make the base model of the antidepressant trial, whose missing rows are absent."""
    frame = shared("data/antidepressant.csv")[["PATIENT", "VISIT", "THERAPY", "BASVAL", "CHANGE"]]

    def model(strategy="mar", **changed):
        roles = Roles(
            "CHANGE", "PATIENT", "VISIT", "THERAPY", "PLACEBO", ["BASVAL*VISIT"], ["BASVAL"], **changed
        )  # fmt: skip
        outcomes = arranged(frame, roles)
        return base_model(outcomes, after_last_observed(outcomes, strategy))

    return model
