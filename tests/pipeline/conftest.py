"""Trials that ran once, for tests that only read what a run left; and a judge that costs no import."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from data_contracts.rules import Finding
from pipelines import warm


@pytest.fixture(scope="session")
def home_of(tmp_path_factory):
    """Return what gives a shipped trial's state folder after a run; it is not to be written to."""

    @cache
    def ran(trial):
        folder = tmp_path_factory.mktemp(trial)
        srt = Path(sys.executable).with_name("srt")
        environment = {**os.environ, "SRT_HOME": str(folder)}
        subprocess.run([srt, "run", trial], env=environment, check=True, capture_output=True)
        return folder

    return ran


class StandIn:
    """Judges that every rule is kept, but for the effects told otherwise; counts how often it is asked."""

    def __init__(self):
        self.broken = ()
        self.asked = 0

    def judge(self, forms, trial, rules, docs):
        self.asked += 1
        docs.mkdir(parents=True, exist_ok=True)
        for name in ("index", *forms):
            (docs / f"{name}.html").write_text("docs")
        return tuple(
            Finding(r, passed=r.effect not in self.broken, n_checked=len(forms[r.form].values)) for r in rules
        )


@pytest.fixture
def judge(monkeypatch):
    """Return a stand-in for Great Expectations, whose import alone would cost more than many of these tests."""
    stand_in = StandIn()
    monkeypatch.setattr(warm, "start_judge", lambda: stand_in)
    monkeypatch.setattr(warm, "start_imports", lambda: None)
    return stand_in
