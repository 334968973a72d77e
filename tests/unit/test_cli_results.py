"""`srt results`: one DuckDB view over all trials, readable or whole."""

import csv
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.results import Statistic, results_frame
from data_contracts.tables import Tables
from pipelines.cli import __main__ as entry
from pipelines.home import find_home
from pipelines.store import write_tables

REPO = Path(__file__).parents[2]
DIFFERENCE = Statistic(
    "adjusted mean difference",
    8.123456789012345,
    visit="m9",
    contrast="SRT - UC",
    se=2.5,
    lower=3.2,
    upper=13.0,
    p_value=0.0004,
)
MEAN = Statistic("adjusted mean", 20.5, visit="m9", arm="UC", se=1.5, lower=17.5, upper=23.5)
REFUSED = Statistic(
    "adjusted mean difference",
    math.nan,
    visit="m15",
    contrast="SRT - UC",
    status="refused",
    reason="one arm is empty",
)


@pytest.fixture(autouse=True)
def stored(monkeypatch, tmp_path):
    """Store the results of two trials."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    for trial, rows in {"demo": [DIFFERENCE, MEAN, REFUSED], "demo_null": [MEAN]}.items():
        frame = results_frame(rows, trial=trial, analysis="primary", role="primary")
        write_tables(find_home().store(trial, "results"), Tables({"results": frame}))


def json_of(capsys, *options):
    assert entry.run_command_line(["results", *options, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["rows"]


def test_json_has_every_column_in_full_precision(capsys):
    """It is what another program computes with."""
    row = json_of(capsys, "demo", "--statistic", "adjusted mean difference", "--visit", "m9")[0]
    assert row["value"] == 8.123456789012345
    assert row["df"] is None
    assert {"trial", "estimand", "plan_hash", "data_hash", "code_version"} <= set(row)


@pytest.mark.parametrize(
    ("options", "n"),
    [
        ([], 4),
        (["demo"], 3),
        (["--visit", "m15"], 1),
        (["--statistic", "Adjusted mean"], 2),
        (["--analysis", "x"], 0),
    ],
)
def test_options_choose_rows(capsys, options, n):
    """Each narrows; together they narrow more; letters' case is not asked of anybody."""
    assert len(json_of(capsys, *options)) == n


def test_sql_sees_all_trials(capsys):
    """The comparison across trials is one query."""
    rows = json_of(capsys, "--sql", "SELECT trial, count(*) AS n FROM results GROUP BY trial ORDER BY trial")
    assert rows == [{"trial": "demo", "n": 3}, {"trial": "demo_null", "n": 1}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nothing",
        "SELEKT 1",
        "COPY results TO 'x.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SET threads = 1",
    ],
)
def test_sql_that_is_wrong_or_reaches_beyond_the_results_is_refused(capsys, sql):
    """A query listing with participants' values lies beside the results."""
    assert entry.run_command_line(["results", "--sql", sql]) == 4
    assert "The query failed." in capsys.readouterr().err


def test_the_readable_table_shows_interval_and_reason(capsys):
    """Limits stand together, p as journals print it, and a refusal says why."""
    assert entry.run_command_line(["results", "demo"]) == 0
    shown = capsys.readouterr().out
    for part in ("8.1", "3.2 to 13.0", "<0.001", "one arm is empty", "3 rows"):
        assert part in shown
    assert "8.123456789" not in shown


def test_csv_keeps_precision_and_leaves_no_formula(capsys):
    """A spreadsheet computes a text that begins with an equals sign."""
    assert (
        entry.run_command_line(
            ["results", "--sql", "SELECT '=1+1' AS t, value FROM results WHERE visit = 'm9' LIMIT 1", "--csv"]
        )
        == 0
    )
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row == {"t": "'=1+1", "value": repr(8.123456789012345)}


def test_a_trial_without_results_says_how_to_get_them(capsys):
    """No rows and no word would look like an empty trial."""
    assert entry.run_command_line(["results", "beat_the_blues"]) == 4
    assert "`srt run beat_the_blues` makes them." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--visit", "m99"], "No visit is named 'm99'; there are: m9, m15"),
        (["demo", "--analysis", "x"], "No analysis is named 'x'; there are: primary"),
        (
            ["--statistic", "mean"],
            "No statistic is named 'mean'; there are: adjusted mean difference, adjusted mean",
        ),
        (["demo_null", "--visit", "m15"], "No visit is named 'm15'; there are: m9"),
        (["demo", "--visit", "m15", "--statistic", "adjusted mean"], "in no row together"),
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_no_row_names_what_there_is(capsys, options, said, form):
    """Nobody can guess the names; stdout stays as it is, for programs."""
    assert entry.run_command_line(["results", *options, *form]) == 0
    shown = capsys.readouterr()
    assert said in shown.err
    assert "there are" not in shown.out


def test_a_successful_query_says_nothing_on_stderr(tmp_path):
    """DuckDB's library lists as leaks what the collector was kept from, when the process ends."""
    env = {**os.environ, "SRT_HOME": str(tmp_path), "PYTHONPATH": str(REPO)}
    command = [sys.executable, "-m", "pipelines.cli", "results"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "adjusted mean difference" in ended.stdout
    assert ended.stderr == ""


def test_results_of_no_trial_at_all(monkeypatch, tmp_path, capsys):
    """The first thing somebody tries."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "empty"))
    assert entry.run_command_line(["results"]) == 4
    assert "There are no results yet." in capsys.readouterr().err
