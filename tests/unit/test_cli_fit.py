"""`srt fit`: the numbers of the engine, from any file; a message and an exit code for what can't be done."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM
from pipelines.cli.__main__ import run_command_line

FORMULA = "hours ~ base*visit + sex + arm*visit"
ROLES = ("--subject", "id", "--visit", "visit")
KEYS = (
    "params",
    "bse",
    "df",
    "pvalues",
    "llf",
    "aic",
    "bic",
    "covariance",
    "contrasts",
    "emmeans",
    "convergence",
)


@pytest.fixture(scope="module")
def trial():
    """Return 60 people at three visits, a sixth of the outcomes missing, four therapists in SRT."""
    rng = np.random.default_rng(5)
    n = 60
    people = pd.DataFrame(
        {"id": [f"P{i}" for i in range(n)], "arm": np.repeat(["SRT", "UC"], n // 2), "base": rng.normal(12, 4, n),
         "sex": rng.choice(["F", "M"], n), "level": rng.normal(0, 3, n)}
    )  # fmt: skip
    people["therapist"] = np.where(people["arm"] == "SRT", [f"T{i % 4}" for i in range(n)], None)
    frame = people.merge(pd.DataFrame({"visit": [9, 15, 24]}), how="cross")
    frame["hours"] = (
        frame["base"] + frame["level"] + 3 * (frame["arm"] == "SRT") + rng.normal(0, 3, len(frame))
    )
    frame["hours"] = frame["hours"].where(rng.random(len(frame)) > 1 / 6)
    return frame.drop(columns="level")


@pytest.fixture
def file(trial, tmp_path):
    path = tmp_path / "trial.csv"
    trial.to_csv(path, index=False)
    return path


@pytest.fixture
def expected(trial):
    """Return the fit that Python code would make of the same data."""
    frame = trial.assign(visit=pd.Categorical(trial["visit"].astype(str), ["9", "15", "24"]))
    return MMRM.from_formula(FORMULA, frame, subject="id", visit="visit").fit()


def run(capsys, *arguments):
    """Return exit code, standard output and standard error of `srt fit`."""
    code = run_command_line(["fit", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def fitted(capsys, *arguments):
    """Return the JSON of a fit."""
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_json_has_every_number_of_the_fit_in_full_precision(capsys, file, expected):
    """To the last digit, under the names the engine uses."""
    found = fitted(capsys, file, "--formula", FORMULA, *ROLES, "--emmeans", "arm:visit", "--reference", "UC")
    assert set(KEYS) <= set(found)
    for key in ("params", "bse", "df", "tvalues", "pvalues"):
        assert found[key] == {term: float(value) for term, value in getattr(expected, key).items()}
    assert (found["llf"], found["aic"], found["bic"]) == (expected.llf, expected.aic, expected.bic)
    covariance = pd.DataFrame(found["covariance"])
    np.testing.assert_array_equal(covariance, expected.covariance)
    assert list(covariance) == ["9", "15", "24"]
    assert (
        pd.DataFrame(found["emmeans"])["estimate"].tolist()
        == expected.emmeans("arm", "visit")["estimate"].tolist()
    )
    contrasts = pd.DataFrame(found["contrasts"])
    assert contrasts["contrast"].tolist() == ["SRT - UC"] * 3
    assert contrasts["df"].tolist() == expected.contrasts("arm", "visit", "UC")["df"].tolist()
    assert found["convergence"]["status"] == "converged"
    assert found["convergence"]["gradient_norm"] < 1e-8


def test_spss_and_parquet_give_what_csv_gives(capsys, trial, file, tmp_path):
    """The same rows in three formats; SPSS keeps arms as labelled codes."""
    import pyreadstat

    from_csv = fitted(capsys, file, "--formula", FORMULA, *ROLES, "--contrasts", "arm:visit:UC")
    parquet, sav = tmp_path / "trial.parquet", tmp_path / "trial.sav"
    trial.to_parquet(parquet)
    coded = trial.assign(arm=(trial["arm"] == "UC").astype(float), therapist=trial["therapist"].fillna(""))
    labels = {"arm": {0.0: "SRT", 1.0: "UC"}}
    pyreadstat.write_sav(coded.fillna({"hours": -99.0}), sav, variable_value_labels=labels,
                         missing_ranges={"hours": [-99.0]})  # fmt: skip
    for path, reference in ((parquet, "UC"), (sav, "UC"), (sav, "1")):
        found = fitted(capsys, path, "--formula", FORMULA, *ROLES, "--contrasts", f"arm:visit:{reference}")
        assert found["params"] == pytest.approx(from_csv["params"], rel=1e-12)
        assert [row["contrast"] for row in found["contrasts"]] == ["SRT - UC"] * 3
        assert found["llf"] == pytest.approx(from_csv["llf"], rel=1e-12)
    assert any("column 'arm' is a factor, by its labels: 0 = SRT, 1 = UC" in note for note in found["notes"])


def test_a_labelled_number_stays_a_number_and_that_is_said(capsys, trial, tmp_path):
    """C() makes it a factor."""
    import pyreadstat

    path = tmp_path / "trial.sav"
    coded = trial.assign(sex=(trial["sex"] == "M") + 1.0).drop(columns="therapist")
    pyreadstat.write_sav(coded, path, variable_value_labels={"sex": {1.0: "Female", 2.0: "Male"}})
    plain = fitted(capsys, path, "--formula", FORMULA, *ROLES)
    assert "sex" in plain["params"]
    assert any("column 'sex' is a number in the formula" in note for note in plain["notes"])
    factor = fitted(capsys, path, "--formula", FORMULA.replace("sex", "C(sex)"), *ROLES)
    assert any("Male" in term for term in factor["params"])


def test_therapists_in_one_arm(capsys, file, trial):
    """The partially nested model on the command line is that of the engine."""
    options = ("--random", "therapist:arm=SRT", "--covariance", "cs")
    found = fitted(capsys, file, "--formula", FORMULA, *ROLES, *options)
    frame = trial.assign(visit=pd.Categorical(trial["visit"].astype(str), ["9", "15", "24"]))
    expected = MMRM.from_formula(
        FORMULA, frame, subject="id", visit="visit", covariance="cs", random={"therapist": "arm == 'SRT'"}
    ).fit()
    assert found["params"] == pytest.approx(dict(expected.params), rel=1e-12)
    assert found["random_effects_variances"] == pytest.approx(
        dict(expected.random_effects_variances), rel=1e-9
    )


def test_ml_has_satterthwaite_as_its_default(capsys, file):
    """Kenward-Roger adjusts a REML fit; the record says which was used."""
    found = fitted(capsys, file, "--formula", FORMULA, *ROLES, "--method", "ml")
    assert (found["method"], found["df_method"]) == ("ml", "satterthwaite")


def test_a_covariance_for_each_arm(capsys, file):
    """By group, a covariance for each."""
    found = fitted(capsys, file, "--formula", FORMULA, *ROLES, "--group", "arm")
    assert set(found["covariance"]) == {"SRT", "UC"}
    assert set(found["covariance"]["UC"]) == {"9", "15", "24"}


def test_what_is_not_estimable_is_null(capsys, trial, tmp_path):
    """JSON has no NaN."""
    path = tmp_path / "doubled.csv"
    trial.assign(twice=2 * trial["base"]).to_csv(path, index=False)
    found = fitted(capsys, path, "--formula", "hours ~ base + twice + arm*visit", *ROLES)
    assert found["params"]["twice"] is None
    assert any("twice" in note for note in found["notes"])


def test_the_summary_shows_what_the_record_holds(capsys, file):
    """For reading: coefficients, covariance, means, contrasts, convergence."""
    code, out, _ = run(
        capsys, file, "--formula", FORMULA, *ROLES, "--emmeans", "arm:visit", "--reference", "UC"
    )
    assert code == 0
    for words in (
        "Fixed effects",
        "Covariance over visits",
        "Least-squares means",
        "Contrasts",
        "SRT - UC",
        "converged",
    ):
        assert words in out


def test_json_on_standard_output_is_alone(capfd, file):
    """What Python or a library prints meanwhile goes elsewhere."""
    assert run_command_line(["fit", str(file), "--formula", FORMULA, *ROLES, "--json"]) == 0
    json.loads(capfd.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--formula", "hours ~ height", *ROLES), 3, "'height'"),
        (("--formula", "hours ~ (arm", *ROLES), 3, "cannot be read"),
        (("--formula", "hours ~ quux(arm)", *ROLES), 3, "quux"),
        (("--formula", "arm ~ base", *ROLES), 3, "'arm'"),
        (("--formula", FORMULA, "--subject", "id"), 3, "give both"),
        (("--formula", FORMULA, "--subject", "arm", "--visit", "visit"), 3, "more than one row"),
        (("--formula", FORMULA, *ROLES, "--covariance", "uns"), 3, "'uns'"),
        (("--formula", FORMULA, *ROLES, "--df", "kr"), 3, "'kr'"),
        (("--formula", FORMULA, *ROLES, "--random", "arm="), 3, "can't be read"),
        (("--formula", FORMULA, *ROLES, "--random", "therapist:arm=XX"), 3, "no level 'XX'"),
        (("--formula", FORMULA, *ROLES, "--contrasts", "arm:visit:XX"), 3, "no level 'XX'"),
        (("--formula", FORMULA, *ROLES, "--emmeans", ":visit"), 3, "FACTOR"),
        (("--formula", FORMULA, *ROLES, "--weights", "sex"), 3, "weights"),
        (("--formula", "hours ~ arm", *ROLES, "--random", "id", "--covariance", "cs"), 6, "did not converge"),
        (("--formula", FORMULA, *ROLES, "--delimiter", ";;"), 2, "one character"),
        ((*ROLES,), 2, "--formula"),
    ],
)
def test_what_cannot_be_done_has_one_message_and_its_exit_code(capsys, file, arguments, code, words):
    """Nothing of a traceback, nothing of a participant; with --json the error is an object."""
    found, out, err = run(capsys, file, *arguments, "--json")
    assert found == code
    assert words in " ".join(err.split())
    assert "Traceback" not in err
    assert json.loads(out)["error"]["exit_code"] == code


def test_a_slip_in_a_covariate_is_refused_not_made_a_factor(capsys, trial, tmp_path):
    """The records are named; C() would say that it is meant."""
    path = tmp_path / "slip.csv"
    text = trial.astype({"base": "str"})
    text.loc[4, "base"] = "12,5x"
    text.to_csv(path, index=False)
    code, _, err = run(capsys, path, "--formula", FORMULA, *ROLES)
    assert code == 3
    assert "records 5" in err
    assert "12,5x" not in err


def test_files_that_cannot_be_read_end_with_four(capsys, tmp_path):
    """Absent, or damaged."""
    cut = tmp_path / "cut.sav"
    cut.write_bytes(b"$FL2 and nothing else")
    for path in (tmp_path / "none.csv", cut):
        code, _, err = run(capsys, path, "--formula", FORMULA, *ROLES)
        assert code == 4
        assert "Traceback" not in err


def test_a_fallback_is_taken_and_told(capsys, trial, tmp_path):
    """Two visits that nobody has both of: unstructured is not identified."""
    path = tmp_path / "apart.csv"
    odd = trial["id"].str[1:].astype(int) % 2 == 1
    kept = trial[~((trial["visit"] == 9) & odd) & ~((trial["visit"] == 24) & ~odd)]
    kept.to_csv(path, index=False)
    assert run(capsys, path, "--formula", FORMULA, *ROLES)[0] == 6
    found = fitted(capsys, path, "--formula", FORMULA, *ROLES, "--fallback", "csh,cs")
    assert found["covariance_structure"] == "csh"
    assert set(found["convergence"]["failed_attempts"]) == {"us"}
