"""What Dagster is told: names, edges, nights, and what a broken trial file does to the others."""

import json
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets.freshness import night_happened
from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS
from data_contracts.spec import Night
from pipelines.definitions import build
from pipelines.home import PROJECT, Home
from pipelines.trials import load_all, load_named
from pipelines.ui import ui_command

SNAPSHOT = Path(__file__).with_name("asset_graph.json")
HEAVY = (
    "great_expectations", "statsmodels", "matplotlib", "scipy", "pyarrow", "duckdb",
    "great_tables", "docx", "lxml", "jinja2", "PIL", "pyreadstat",
)  # fmt: skip


@pytest.fixture
def own_trials(tmp_path, monkeypatch):
    """A unit's own folder of trial files, with a copy of the real example under another name."""
    text = (SHIPPED_TRIALS / "beat_the_blues.toml").read_text()
    (tmp_path / "ours.toml").write_text(text)
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path))
    return tmp_path


def graph_of(definitions, trial):
    nodes = definitions.resolve_asset_graph()
    keys = [k for k in nodes.get_all_asset_keys() if k.path[0] == trial]
    return {
        "/".join(k.path[1:]): {
            "from": sorted(p.path[1] for p in nodes.get(k).parent_keys),
            "checks": sorted(c.name for c in nodes.get_check_keys_for_assets({k})),
        }
        for k in sorted(keys)
    }


def test_every_trial_has_the_graph_that_was_agreed(monkeypatch):
    """A renamed hop breaks histories, links and freshness; let it be done on purpose.

    To change it on purpose: write the graph of one trial over asset_graph.json.
    """
    monkeypatch.delenv("SRT_TRIALS", raising=False)
    definitions = build(*load_all())
    agreed = json.loads(SNAPSHOT.read_text())
    trials = {k.path[0] for k in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert trials == {path.stem for path in SHIPPED_TRIALS.glob("*.toml")}
    assert {trial: graph_of(definitions, trial) for trial in trials} == dict.fromkeys(trials, agreed)


def test_loading_definitions_loads_no_heavy_library():
    """Every tick of a sensor and every page's reload waits for this."""
    program = (
        "import sys, pipelines.definitions as d; d.defs.load_fn() if hasattr(d.defs, 'load_fn') else d.defs();"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"
    assert not done.stderr


def test_every_asset_says_who_owns_it_and_what_it_is():
    """The catalogue is read by people who did not write it."""
    definitions = build(*load_all())
    for spec in definitions.resolve_all_asset_specs():
        assert spec.owners
        assert spec.kinds
        assert spec.description
        assert spec.code_version
        assert spec.group_name == spec.key.path[0]


def test_the_contract_is_five_to_ten_checks():
    """A check per rule would cost as much as the judging."""
    agreed = json.loads(SNAPSHOT.read_text())
    assert 5 <= len(agreed["checked"]["checks"]) <= 10


def test_a_units_own_trial_runs_at_night_and_a_shipped_example_does_not(own_trials):
    """An empty example would fail every night; a unit's trial must not wait for somebody to switch it on."""
    definitions = build(*load_all())
    status = {s.name: s.default_status for s in definitions.schedules}
    assert status["ours_nightly"] is dg.DefaultScheduleStatus.RUNNING
    assert status["beat_the_blues_nightly"] is dg.DefaultScheduleStatus.STOPPED
    sensors = {s.name: s.default_status for s in definitions.sensors}
    assert sensors["ours_landing"] is dg.DefaultSensorStatus.RUNNING
    assert sensors["beat_the_blues_landing"] is dg.DefaultSensorStatus.STOPPED
    assert sensors["failures"] is dg.DefaultSensorStatus.RUNNING


def test_the_night_is_in_the_trials_time_zone(tmp_path, monkeypatch):
    """At 02:00 in London, summer and winter."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    definitions = build([load_named("beat_the_blues")], {})
    schedule = definitions.resolve_schedule_def("beat_the_blues_nightly")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Europe/London")
    with (
        dg.instance_for_test() as instance,
        dg.build_schedule_context(instance, datetime(2026, 7, 1, 1, tzinfo=UTC)) as context,
    ):
        assert len(schedule.evaluate_tick(context).run_requests) == 1
    assert schedule.job_name == "beat_the_blues"


def test_a_broken_trial_file_leaves_the_other_trials_alone(own_trials):
    """One unit's typo must not end every trial's night."""
    (own_trials / "broken.toml").write_text('title = "broken')
    definitions = build(*load_all())
    graph = definitions.resolve_asset_graph()
    assert [k.path for k in sorted(graph.get_all_asset_keys()) if k.path[0] == "broken"] == [
        ["broken", "landing"]
    ]
    assert "broken.toml" in definitions.metadata["plan_errors"].value
    assert dg.AssetKey(["ours", "report"]) in graph.get_all_asset_keys()
    with pytest.raises(PlanError, match="not valid TOML"):
        load_named("broken")


def test_a_broken_trial_fails_with_its_mistakes_each_night(own_trials):
    """A trial that is silently left out is worse than one that fails."""
    (own_trials / "broken.toml").write_text('title = "broken')
    definitions = build(*load_all())
    result = definitions.resolve_job_def("broken").execute_in_process(raise_on_error=False)
    failure = next(e for e in result.all_events if e.is_step_failure).step_failure_data.user_failure_data
    assert "not valid TOML" in failure.description
    assert failure.metadata["exit_code"].value == 3
    assert (
        definitions.resolve_schedule_def("broken_nightly").default_status is dg.DefaultScheduleStatus.RUNNING
    )


def test_a_cron_line_that_is_none_is_a_plan_error_of_that_trial(own_trials):
    """Dagster refuses it while loading, which would take every trial down."""
    text = (own_trials / "ours.toml").read_text().replace('cron = "0 2 * * *"', 'cron = "at night"')
    (own_trials / "ours.toml").write_text(text)
    definitions = build(*load_all())
    assert "night.cron" in definitions.metadata["plan_errors"].value
    assert "beat_the_blues_nightly" in {s.name for s in definitions.schedules}


def test_nothing_superseded_is_used():
    """Deprecation and preview warnings today are errors of the next release."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(*load_all()).resolve_all_job_defs()


def test_the_nights_receipt_is_late_two_hours_after_its_time():
    """Freshness asks whether the night happened, in the trial's own time."""
    policy = night_happened(Night(cron="30 2 * * 1-5", time_zone="Europe/London"))
    assert (policy.deadline_cron, policy.timezone) == ("30 4 * * 1-5", "Europe/London")
    assert night_happened(Night(cron="0 23 * * *")) is None
    assert night_happened(Night(cron="*/10 * * * *")) is None


def test_the_pages_are_served_on_this_machine_alone(tmp_path):
    """They have no login."""
    argv, environment = ui_command(Home(tmp_path / "home"), 3456)
    assert argv[1:6] == ["dev", "--host", "127.0.0.1", "--port", "3456"]
    assert environment["DAGSTER_HOME"] == str(tmp_path / "home" / "dagster")
    assert (tmp_path / "home" / "dagster" / "dagster.yaml").exists()


def test_one_location_name_everywhere():
    """Two names split the state of schedules and sensors."""
    from pipelines.execution import LOCATION

    assert f"location_name: {LOCATION}" in (PROJECT / "workspace.yaml").read_text()
    assert f'code_location_name = "{LOCATION}"' in (PROJECT / "pyproject.toml").read_text()
