"""Small versions of what `make reliability` does at length: an accident, then the next night.

The scenarios are those of `benchmarks.reliability`; there they are tried often, here once or twice each.
"""

import pytest

from benchmarks.reliability import (
    clock_change,
    daemon,
    every_write,
    full_disk,
    host_crash,
    kills,
    locked,
    postgres,
    replaced,
    two_at_once,
)
from benchmarks.reliability.small_trial import new_place, reference

pytestmark = pytest.mark.long


def is_well(outcome, times):
    if outcome.skipped:
        pytest.skip(outcome.skipped)
    assert (outcome.held, outcome.times) == (times, times), outcome.seen


def test_a_killed_run_leaves_nothing_unreadable_and_the_next_night_gives_the_same_bytes():
    """Power fails; somebody pulls the plug on a virtual machine."""
    is_well(kills.run(times=3, seed=3), 3)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_no_write_of_a_run_is_a_bad_moment_to_be_killed():
    """Every ninth write here; each of them in the benchmark."""
    outcome = every_write.run(step=9)
    assert outcome.times >= 5
    is_well(outcome, outcome.times)


def test_a_disk_that_fills_costs_the_night_and_nothing_else():
    """Someone's backup landed on the wrong disk."""
    is_well(full_disk.run(times=3), 3)


def test_two_runs_at_once_are_one_run_and_one_that_waits():
    """Somebody presses the button at two in the morning."""
    is_well(two_at_once.run(times=1), 1)


def test_an_export_replaced_amid_a_run_is_read_whole_or_not_at_all():
    """The export job is late."""
    is_well(replaced.run(times=2, seed=4), 2)


def test_a_run_left_started_by_a_crash_does_not_stop_the_next_night():
    """Nobody is there to end it by hand."""
    is_well(host_crash.run(times=1), 1)


@pytest.mark.filterwarnings("ignore:Property .* is deprecated:DeprecationWarning")  # Dagster reads its own
def test_a_night_whose_hour_is_left_out_or_comes_twice_runs_once():
    """Twice a year, in every time zone of a trial."""
    is_well(clock_change.run(), 5)


@pytest.mark.parametrize("database", locked.DATABASES)
def test_a_locked_database_costs_one_night_at_most(database):
    """A backup program reads it."""
    is_well(locked.run(database, seconds=4), 1)


@pytest.mark.postgres
def test_a_server_that_restarts_amid_a_run_costs_one_night_at_most():
    """Its packages are updated, at night."""
    is_well(postgres.run(times=2), 2)


@pytest.mark.daemon
def test_the_daemon_does_a_killed_night_again_by_itself():
    """The out-of-memory killer takes the largest process: the run."""
    is_well(daemon.run_worker(), 1)


@pytest.mark.daemon
def test_after_a_crash_of_the_whole_machine_the_night_is_done_again_by_itself():
    """The record says STARTED, and the server that would know is gone."""
    is_well(daemon.run_crash(), 1)


def test_the_evidence_can_tell_good_from_bad():
    """A measure that finds everything well proves nothing: here a table is cut, and another's report."""
    with new_place() as place:
        reference(place)
        assert place.unreadable() == []
        table = next((place.home.root / "store" / "small" / "results").glob("*.parquet"))
        table.write_bytes(table.read_bytes()[:-20])
        report = place.home.report("small")
        report.write_text(report.read_text()[:-200])
        assert place.unreadable() == ["results: StorageError", "report.html is cut"]
