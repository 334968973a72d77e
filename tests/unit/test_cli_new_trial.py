"""`srt new-trial`: the template is a valid trial, and nothing is overwritten."""

import pytest

from analysis.estimators import ESTIMATORS
from data_contracts.load import load_trial
from pipelines.cli import __main__ as entry


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "trials"))
    return tmp_path / "trials"


def test_a_new_trial_is_valid_before_anything_is_changed(folder):
    """Whoever fills in a template should break it themselves, one key at a time."""
    assert entry.run_command_line(["new-trial", "hackney_2"]) == 0
    trial = load_trial(folder / "hackney_2.toml", ESTIMATORS)
    assert (trial.name, trial.title) == ("hackney_2", "Hackney 2")


def test_the_switched_off_examples_of_the_template_are_valid_too(folder):
    """A comment that does not work when it is uncommented is worse than none."""
    entry.run_command_line(["new-trial", "hackney"])
    path = folder / "hackney.toml"
    switches = (
        "# [forms",
        "# synthetic",
        *(f"# {k} =" for k in KEYS),
        *(f"# {k} = {{" for k in ("participant", "withdrawn_on")),
    )
    lines = [line[2:] if line.startswith(switches) else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(line for line in lines if "ucla_total" not in line))
    trial = load_trial(path, ESTIMATORS)
    assert set(trial.forms) == {"participants", "allocation", "time_use", "withdrawals"}
    assert trial.synthetic
    assert trial.forms["time_use"].instruments["ucla3"].prefix == "UCLA"


def test_the_template_shows_the_threshold_of_small_cells_as_it_is_when_nothing_is_said(folder):
    """A unit that must leave out more has to find where."""
    entry.run_command_line(["new-trial", "hackney"])
    path = folder / "hackney.toml"
    text = path.read_text()
    assert "\n[report]\n# small_cells = 5 " in text
    unsaid = load_trial(path, ESTIMATORS).report.small_cells
    path.write_text(text.replace("# small_cells", "small_cells"))
    assert load_trial(path, ESTIMATORS).report.small_cells == unsaid == 5


KEYS = ("prefix", "missing", "total", "label", "kind", "file", "format", "key", "required", "may_be_empty")


def test_an_existing_file_is_never_overwritten(folder, capsys):
    """A day's work may be in it."""
    entry.run_command_line(["new-trial", "hackney"])
    (folder / "hackney.toml").write_text("mine")
    assert entry.run_command_line(["new-trial", "hackney"]) == 3
    assert (folder / "hackney.toml").read_text() == "mine"
    assert "already" in capsys.readouterr().err


def test_a_shipped_trials_name_is_taken(folder, capsys):
    """A unit's file would silently stand before the shipped one."""
    assert entry.run_command_line(["new-trial", "demo"]) == 3
    assert not folder.exists()
    assert "Choose another name" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Hackney", "2nd", "a-b", "../x", "a b"])
def test_a_name_that_dagster_could_not_use_is_refused(folder, name):
    """The name becomes a group, a folder and a job."""
    assert entry.run_command_line(["new-trial", name]) == 3
    assert not folder.exists()


def test_a_folder_that_is_not_searched_is_pointed_out(monkeypatch, tmp_path, capsys):
    """Else the next command says that there is no such trial."""
    monkeypatch.delenv("SRT_TRIALS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert entry.run_command_line(["new-trial", "hackney"]) == 0
    assert (tmp_path / "trials" / "hackney.toml").is_file()
    assert f"export SRT_TRIALS={tmp_path / 'trials'}" in capsys.readouterr().out
