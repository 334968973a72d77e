"""Damaged files of every format: refused in words, or read with all rows. Not here: thousands (benchmarks)."""

import random

import pytest

from benchmarks.reliability.fuzz import NEVER, run
from benchmarks.reliability.mutants import MUTATORS, mutant, whole_files

pytestmark = pytest.mark.slow


def test_no_damaged_file_crashes_or_stalls_a_run_or_loses_rows() -> None:
    """Three hundred, drawn anew when the seed changes; with a manifest every one of them is refused."""
    counts = run(300, seed=7)
    assert {what: counts[what] for what in NEVER} == dict.fromkeys(NEVER, 0)
    assert counts["altered and refused with a manifest"] == 300
    assert counts["clean error"] > 100


def test_a_mutant_differs_from_its_file_and_is_the_same_for_the_same_seed() -> None:
    """Else the counts would be of whole files, or of others each time."""
    for kind, (_, data) in whole_files().items():
        for number in range(5):
            how, damaged = mutant(data, random.Random(f"1 {number}"))
            assert how in MUTATORS
            assert damaged != data
            assert mutant(data, random.Random(f"1 {number}")) == (how, damaged), kind
