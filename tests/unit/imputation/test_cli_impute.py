"""`srt impute`: what it prints, and how it refuses."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.imputation import Roles, after_last_observed, ancova, arranged, base_model, leave_units_out
from pipelines.cli.__main__ import run_command_line

SPEC = importlib.util.spec_from_file_location("trial_to_impute", Path(__file__).with_name("trial.py"))
TRIAL = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRIAL)
frame = TRIAL.frame

OPTIONS = (
    *("--outcome", "hours", "--subject", "id", "--visit", "visit", "--arm", "arm", "--reference", "UC"),
    *("--covariates", "base*visit", "--analysis-covariates", "base"),
)
QUICK = ("--one-se",)


@pytest.fixture
def table():
    return frame().assign(visit=lambda t: t["visit"].astype(int))


@pytest.fixture
def file(table, tmp_path):
    path = tmp_path / "trial.csv"
    table.to_csv(path, index=False)
    return path


def run(capsys, *arguments):
    """Return exit code, standard output and standard error of `srt impute`."""
    code = run_command_line(["impute", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def imputed(capsys, *arguments):
    """Return the JSON of an imputation."""
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_json_has_contrasts_means_and_how_they_were_found(capsys, file, table):
    """In full precision, and nothing else on standard output; normal limits have no degrees of freedom."""
    found = imputed(capsys, file, *OPTIONS, "--strategy", "j2r", "--seed", 3)
    whole = table.assign(visit=pd.Categorical(table["visit"].astype(str), ["3", "9", "15"]))
    outcomes = arranged(whole, Roles("hours", "id", "visit", "arm", "UC", ["base*visit"], ["base"]))
    expected = leave_units_out(base_model(outcomes, after_last_observed(outcomes, "j2r"))).pooled(
        ancova(outcomes)
    )
    for row, own in zip(found["contrasts"], expected.contrasts.to_dict(orient="records"), strict=True):
        assert list(row) == ["visit", "contrast", "estimate", "se", "df", "lower", "upper", "p"]
        assert row["df"] is None
        assert row["contrast"] == "SRT - UC"
        assert [row["estimate"], row["se"], row["p"]] == pytest.approx(
            [own["estimate"], own["se"], own["p"]], rel=1e-12
        )
    assert [row["visit"] for row in found["contrasts"]] == ["3", "9", "15"]
    assert {(row["arm"], row["visit"]) for row in found["lsmeans"]} == {
        (a, v) for a in ("SRT", "UC") for v in ("3", "9", "15")
    }
    assert sum(row["imputed"] for row in found["imputed"]) == table["hours"].isna().sum()
    assert (found["route"], found["se_method"], found["seed"], found["m"]) == (
        "condmean",
        "jackknife",
        3,
        None,
    )
    assert {"se_rubin", "se_jackknife"} <= set(found["standard_errors"][0])


@pytest.mark.parametrize(
    ("options", "se_method"),
    [
        (("--route", "condmean", "--se", "bootstrap"), "bootstrap"),
        (("--route", "approxbayes"), "rubin"),
        (("--route", "bayes", "--se", "rubin"), "rubin"),
        (("--route", "approxbayes", "--analysis", "mmrm"), "rubin"),
    ],
)
def test_every_route_names_its_standard_error_and_repeats_itself(capsys, file, options, se_method):
    arguments = (file, *OPTIONS, "--strategy", "cir", "--m", 6, "--seed", 4, *QUICK, *options)
    one, other = imputed(capsys, *arguments), imputed(capsys, *arguments)
    assert one == other
    assert (one["se_method"], one["seed"], one["m"]) == (se_method, 4, 6)
    assert all(row["se"] > 0 for row in one["contrasts"])


def test_absent_rows_and_blank_outcomes_both_mean_missing(capsys, table, tmp_path):
    blank, absent = tmp_path / "blank.csv", tmp_path / "absent.csv"
    table.to_csv(blank, index=False)
    table.dropna(subset="hours").sample(frac=1.0, random_state=1).to_csv(absent, index=False)
    arguments = (*OPTIONS, "--strategy", "j2r", "--route", "approxbayes", "--m", 5, *QUICK)
    one, other = (imputed(capsys, path, *arguments) for path in (blank, absent))
    values = [[row["estimate"] for row in found["contrasts"]] for found in (one, other)]
    np.testing.assert_allclose(*values, rtol=1e-9)


@pytest.mark.parametrize("ending", ["sav", "parquet"])
def test_spss_and_parquet_give_what_csv_gives(capsys, file, table, tmp_path, ending):
    path = tmp_path / f"trial.{ending}"
    if ending == "sav":
        import pyreadstat

        pyreadstat.write_sav(table, path)
    else:
        table.to_parquet(path)
    one, other = (imputed(capsys, own, *OPTIONS, *QUICK)["contrasts"] for own in (file, path))
    assert [row["se"] for row in one] == pytest.approx([row["se"] for row in other], rel=1e-10)


def test_events_come_from_a_file_with_participant_visit_and_strategy(capsys, file, tmp_path):
    """A blank strategy is that of --strategy; the data's own column names serve too."""
    events = pd.DataFrame({"participant": ["002", "003"], "visit": [9, 15], "strategy": ["cr", None]})
    events.to_csv(tmp_path / "events.csv", index=False)
    events.rename(columns={"participant": "id"}).to_csv(tmp_path / "other.csv", index=False)
    found, other = (
        imputed(capsys, file, *OPTIONS, "--strategy", "cir", "--ice", tmp_path / name, *QUICK)
        for name in ("events.csv", "other.csv")
    )
    assert found["strategies"] == ["cir", "cr"]
    assert found["contrasts"] == other["contrasts"]
    assert any("2 of 24 participants have an event" in note for note in found["notes"])


def test_strategies_go_by_arm(capsys, file):
    both = imputed(capsys, file, *OPTIONS, "--strategy", "SRT=j2r", "--strategy", "UC=mar", *QUICK)
    all_of_them = imputed(capsys, file, *OPTIONS, "--strategy", "j2r", *QUICK)
    assert both["strategies"] == ["j2r", "mar"]
    assert both["contrasts"] == all_of_them["contrasts"]  # the reference arm jumps to itself


def test_deltas_grids_and_tipping_points_are_in_the_json(capsys, file):
    plain = imputed(capsys, file, *OPTIONS, *QUICK)
    moved = imputed(
        capsys, file, *OPTIONS, *QUICK, "--delta", "SRT=-2", "--grid", "SRT=-4..0/2", "--grid", "UC=0,1",
        "--tipping", "SRT",
    )  # fmt: skip
    assert len(moved["grid"]) == 3 * 2 * 3
    at = {(row["delta_SRT"], row["delta_UC"], row["visit"]): row["estimate"] for row in moved["grid"]}
    for row, own in zip(plain["contrasts"], moved["contrasts"], strict=True):
        assert at[0.0, 0.0, row["visit"]] == pytest.approx(row["estimate"], rel=1e-12)
        assert at[-2.0, 0.0, row["visit"]] == pytest.approx(own["estimate"], rel=1e-12)
    assert [row["visit"] for row in moved["tipping"]] == ["3", "9", "15"]


def test_a_cumulative_delta_grows_where_a_fixed_one_stays(capsys, file):
    """First lost at visit 9: by visit 15 the cumulative one counts twice for them."""
    plain, fixed, grown = (
        {
            row["visit"]: row["estimate"]
            for row in imputed(capsys, file, *OPTIONS, *QUICK, *delta)["contrasts"]
        }
        for delta in ((), ("--delta", "SRT=-1"), ("--delta", "SRT=-1:cumulative"))
    )
    assert fixed["9"] - plain["9"] == pytest.approx(grown["9"] - plain["9"])
    assert grown["15"] - plain["15"] < fixed["15"] - plain["15"] < 0


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--strategy", "locf"), 3, "one of mar, j2r, cr, cir, lmcf"),
        (("--strategy", "j2r", "--strategy", "cr"), 3, "contradict each other"),
        (("--strategy", "CBT=j2r"), 3, "arm has no level 'CBT'"),
        (("--reference", "TAU"), 3, "arm has no level 'TAU'"),
        (("--se", "rubin"), 3, "--se rubin with --route condmean"),
        (("--se", "bootstrap", "--route", "bayes"), 3, "--se bootstrap with --route bayes"),
        (("--m", "1", "--route", "approxbayes"), 3, "at least 2"),
        (("--outcome", "days"), 3, "'days'"),
        (("--cluster", "therapist"), 3, "'therapist'"),
        (("--covariates", "base*"), 3, "terms of a formula"),
        (("--covariates", "age"), 3, "column age"),
        (("--covariance", "fancy"), 3, "covariance='fancy' is unknown"),
        (("--delta", "SRT=much"), 3, "[ARM=]VALUE"),
        (("--delta", "CBT=1"), 3, "arm has no level 'CBT'"),
        (("--delta", "SRT=1,2"), 3, "1 or 3 finite numbers"),
        (("--grid", "1,2"), 3, "ARM=FROM..TO/STEP"),
        (("--grid", "SRT=0..1/0"), 3, "ARM=FROM..TO/STEP"),
        (("--tipping", "CBT"), 3, "arm has no level 'CBT'"),
        (("--route", "magic"), 2, "magic"),
    ],
)
def test_what_means_nothing_is_refused_with_a_reason(capsys, file, options, code, says):
    """The message is on standard error, the object that tells it on standard output, and no traceback anywhere."""
    found, out, err = run(capsys, file, *OPTIONS, *options, "--json")
    assert found == code
    assert says in " ".join(err.split())
    assert json.loads(out)["error"]["exit_code"] == code
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ("participant,visit,strategy\n002,0,j2r\n", "such as one before randomisation"),
        ("participant,visit,strategy\n002,,j2r\n", "events without a visit"),
        ("participant,visit,strategy\n999,9,j2r\n", "not in the data"),
        ("participant,strategy\n002,j2r\n", "no column visit"),
        ("participant,visit,strategy\n002,9,nothing\n", "one of mar, j2r, cr, cir, lmcf"),
    ],
)
def test_a_bad_list_of_events_is_refused_by_record(capsys, file, tmp_path, events, says):
    path = tmp_path / "events.csv"
    path.write_text(events)
    code, _, err = run(capsys, file, *OPTIONS, "--ice", path)
    assert code == 3
    assert says in " ".join(err.split())


def test_too_little_data_is_an_estimation_failure(capsys, table, tmp_path):
    """More coefficients than participants: exit code 6 or 3 with the reason, never a number."""
    path = tmp_path / "few.csv"
    table[table["id"].isin(["001", "002"])].to_csv(path, index=False)
    code, out, err = run(capsys, path, *OPTIONS, "--json")
    assert code in {3, 6}
    assert "status" in json.loads(out)
    assert "Traceback" not in err


def test_clusters_are_left_out_whole_and_rubin_says_that_it_knows_none(capsys, table, tmp_path):
    """Therapists in one arm: units are therapists there and participants in usual care."""
    path = tmp_path / "clustered.csv"
    number = table["id"].astype(int)
    table.assign(therapist=np.where(table["arm"] == "SRT", "T" + (number % 8).astype(str), "")).to_csv(
        path, index=False
    )
    whole = imputed(capsys, path, *OPTIONS, "--cluster", "therapist", *QUICK)
    assert whole["n_resampled"] == 12 + 4
    assert whole["cluster"] == "therapist"
    rubin = imputed(
        capsys, path, *OPTIONS, "--cluster", "therapist", "--route", "approxbayes", "--m", 5, *QUICK
    )
    assert any("take participants for independent" in note for note in rubin["notes"])


def test_people_read_what_was_assumed_and_what_was_found(capsys, file):
    code, out, err = run(capsys, file, *OPTIONS, "--strategy", "cir", "--tipping", "SRT")
    assert code == 0
    for part in (
        "24 participants; after an event: copy increments in reference",
        "standard errors by jackknife, 24 units left out in turn",
        "Contrasts", "Least-squares means", "Standard errors by both methods", "Tipping points", "Imputed",
    ):  # fmt: skip
        assert part in out
    assert "the intercurrent event is the first visit after the last observed one" in err
