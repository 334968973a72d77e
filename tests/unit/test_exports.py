"""Results and analysis set for other programs: nothing is lost, and every code says what it means."""

import csv
import io

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from analysis.reporting.exports.files import analysis_set_files, results_csv, results_parquet
from analysis.reporting.exports.variables import variables
from analysis.results import SCHEMA, Statistic, results_frame, typed
from data_contracts.load import find_trial, load_trial
from data_contracts.standing import MARK

THIRD = 1 / 3


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def frame(trial):
    """Return an analysis set of three participants with what is awkward in each type."""
    people = pd.DataFrame(
        {
            "participant": ["=P1", "P2", "P3"],
            "site": pd.Categorical(["Norfolk", "Sussex", None], [s.code for s in trial.sites]),
            "sex": pd.Categorical(["Male", "Female", None], ["Female", "Male"]),
            "arm": pd.Categorical(["SRT", "UC", "SRT"], ["UC", "SRT"]),
            "excluded": ["0", "0", "1"],
            "age": pd.array([24, None, 31], dtype="Int64"),
            "therapist": pd.Series(["T14", None, "a therapist of more than eight bytes"], dtype="str"),
            "in_randomised": [True, True, False],
        }
    )
    visits = pd.DataFrame({"visit": [v.code for v in trial.visits], "month": [v.month for v in trial.visits]})
    whole = people.merge(visits, how="cross")
    whole["visit"] = pd.Categorical(whole["visit"], [v.code for v in trial.visits], ordered=True)
    days = pd.Series(pd.to_datetime(["2016-03-06", None, "1958-01-31"] * 4), dtype="datetime64[s]")
    whole["visit_date"] = days
    whole["structured_activity_hours"] = np.where(whole.index % 5 == 0, np.nan, THIRD + whole.index)
    whole["above_30_hours"] = np.where(whole.index % 5 == 0, np.nan, whole.index % 2)
    return whole


def read_sav(data, path):
    path.write_bytes(data)
    return pyreadstat.read_sav(str(path), disable_datetime_conversion=True)


def read_csv(data):
    return pd.read_csv(io.BytesIO(data), dtype="str", keep_default_na=False)


def test_every_value_of_the_set_is_in_the_spss_file(frame, trial, tmp_path):
    """A statistician who runs it again must have the same numbers, to the last digit."""
    read, _ = read_sav(analysis_set_files(frame, trial)["analysis_set.sav"], tmp_path / "a.sav")
    assert list(read.columns) == list(frame.columns)
    hours = frame["structured_activity_hours"].to_numpy()
    assert np.array_equal(read["structured_activity_hours"].to_numpy(), hours, equal_nan=True)
    assert read["age"].fillna(-1).tolist() == frame["age"].fillna(-1).astype(float).tolist()
    assert read["participant"].tolist() == frame["participant"].tolist()
    assert read["therapist"].fillna("").tolist() == frame["therapist"].fillna("").tolist()
    assert read["in_randomised"].tolist() == frame["in_randomised"].astype(float).tolist()
    seconds = (frame["visit_date"] - pd.Timestamp("1582-10-14")).dt.total_seconds()
    assert read["visit_date"].fillna(-1).tolist() == seconds.fillna(-1).tolist()


def test_each_code_of_the_spss_file_says_what_it_means(frame, trial, tmp_path):
    """Codes without labels are guessed at."""
    read, meta = read_sav(analysis_set_files(frame, trial)["analysis_set.sav"], tmp_path / "a.sav")
    labels = meta.variable_value_labels
    assert labels["arm"] == {0: "Usual care", 1: "SRT plus usual care"}
    assert labels["visit"] == {0: "Baseline", 1: "9 months", 2: "15 months", 3: "24 months"}
    assert labels["sex"] == {1: "Female", 2: "Male"}
    assert labels["in_randomised"] == labels["above_30_hours"] == {0: "No", 1: "Yes"}
    spellings = {one.code: one.label for one in (*trial.arms, *trial.visits, *trial.sites)}
    for column in ("arm", "visit", "sex", "site"):
        spelt = read[column].map(labels[column])
        wanted = frame[column].astype("object").replace(spellings)
        assert spelt.fillna("").tolist() == wanted.fillna("").tolist(), column
    assert all(meta.column_names_to_labels.values())
    assert meta.column_names_to_labels["structured_activity_hours"] == "Structured activity (hours/week)"
    assert meta.original_variable_types["visit_date"].startswith("DATE")
    assert meta.variable_measure["arm"] == "nominal"


def test_a_blank_text_is_declared_missing(frame, trial, tmp_path):
    """SPSS counts an empty text as a value."""
    (tmp_path / "a.sav").write_bytes(analysis_set_files(frame, trial)["analysis_set.sav"])
    _, meta = pyreadstat.read_sav(str(tmp_path / "a.sav"), user_missing=True)
    assert meta.missing_ranges["therapist"] == [{"lo": "", "hi": ""}]


def test_a_shuffled_set_says_so_where_the_arm_is_read(frame, trial, tmp_path):
    """The file is opened without its name in sight."""
    files = analysis_set_files(frame, trial, "shuffled")
    _, meta = read_sav(files["analysis_set.sav"], tmp_path / "a.sav")
    assert "SHUFFLED" in meta.column_names_to_labels["arm"]
    assert meta.file_label.startswith(MARK[:20])
    assert "ALLOCATION SHUFFLED" in files["data_dictionary.csv"].decode()
    assert "SHUFFLED" not in analysis_set_files(frame, trial)["data_dictionary.csv"].decode()


def test_the_csv_has_the_labels_every_digit_and_no_formula(frame, trial):
    """R and Stata read the words; a spreadsheet must run nothing."""
    read = read_csv(analysis_set_files(frame, trial)["analysis_set.csv"])
    assert read["participant"].unique().tolist() == ["'=P1", "P2", "P3"]
    assert set(read["arm"]) == {"Usual care", "SRT plus usual care"}
    assert read["in_randomised"].unique().tolist() == ["1", "0"]
    assert set(read["visit_date"]) == {"2016-03-06", "", "1958-01-31"}
    hours = [float(text) if text else np.nan for text in read["structured_activity_hours"]]
    assert np.array_equal(hours, frame["structured_activity_hours"].to_numpy(), equal_nan=True)


def test_the_dictionary_has_a_line_per_variable_with_its_codes_and_where_it_came_from(frame, trial):
    """The file is read years later by people who never saw the trial."""
    data = analysis_set_files(frame, trial)["data_dictionary.csv"].decode()
    lines = {line["name"]: line for line in csv.DictReader(io.StringIO(data))}
    assert list(lines) == list(frame.columns)
    assert lines["arm"]["codes"] == "0 = Usual care; 1 = SRT plus usual care"
    assert lines["age"]["source"] == "participants.age"
    assert lines["structured_activity_hours"] == {
        "name": "structured_activity_hours",
        "label": "Structured activity",
        "unit": "hours/week",
        "type": "number",
        "codes": "",
        "source": "time_use.tus_total",
    }


def test_names_are_legal_in_spss_and_never_twice(trial):
    """SPSS takes 64 bytes, no word of its own, and no difference of capitals alone."""
    odd = ["all", "ALL", "x" * 80, "x" * 81, "1st", "a-b", "participant"]
    names = [v.name for v in variables(pd.DataFrame({name: ["a"] for name in odd}), trial)]
    assert names == ["all_v", "ALL_v_2", "x" * 64, "x" * 62 + "_2", "v_1st", "a_b", "participant"]
    assert max(map(len, names)) == 64


def test_a_level_the_plan_does_not_name_is_kept_as_text(trial):
    """A code that is not declared must not vanish."""
    (found,) = variables(pd.DataFrame({"sex": ["Male", "unheard of"]}), trial)
    assert (found.type, found.codes) == ("text", {})


def test_the_same_set_gives_the_same_bytes(frame, trial):
    """A changed file must mean changed data."""
    assert analysis_set_files(frame, trial) == analysis_set_files(frame, trial)


def results():
    rows = [
        Statistic("adjusted mean difference", THIRD, df=float("inf"), n=3, at="-5"),
        Statistic("count", 2.0),
    ]
    return results_frame(rows, trial="demo", analysis="a", seed=1)


def test_results_survive_csv_to_the_last_digit():
    """The table is the one source of every number."""
    read = typed(pd.read_csv(io.BytesIO(results_csv(results())), keep_default_na=False, na_values={
        name: [""] for name, kind in SCHEMA.items() if kind != "str"
    }))  # fmt: skip
    pd.testing.assert_frame_equal(read, results())


def test_results_survive_parquet_with_their_types():
    """Types are the schema's, whatever a row holds."""
    read = pd.read_parquet(io.BytesIO(results_parquet(results())))
    pd.testing.assert_frame_equal(read, results())
    assert {name: str(kind) for name, kind in read.dtypes.items()} == SCHEMA
