"""Trials that ran once, for all tests of this folder that only read what a run left."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest


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
