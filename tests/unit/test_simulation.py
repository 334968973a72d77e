"""The demonstration trials are like real SRT trials, and their mistakes are where they should be."""

import numpy as np
import pandas as pd
import pytest

from analysis.simulation import constants as c
from analysis.simulation.cohort import draw_blocks
from analysis.simulation.hours import draw_hours, split_hours
from analysis.simulation.randomness import stream
from analysis.simulation.srt_trial import simulate_trial
from data_contracts.load import SHIPPED_TRIALS, load_trial

DEMOS = tuple(c.EFFECTS)
MANY = 100_000


@pytest.fixture(scope="module")
def trials():
    """Return the plans of the demonstration trials."""
    return {name: load_trial(SHIPPED_TRIALS / f"{name}.toml") for name in DEMOS}


@pytest.fixture(scope="module")
def simulated(trials):
    """Return their data."""
    return {name: simulate_trial(trial) for name, trial in trials.items()}


@pytest.fixture(scope="module")
def demo(simulated):
    """Return the forms of the positive demonstration trial."""
    return simulated["demo"].forms


def test_as_many_are_randomised_as_in_superden3(simulated):
    """76 to therapy and 79 to usual care, one excluded afterwards."""
    for trial in simulated.values():
        allocation = trial.forms["allocation"]
        assert allocation["arm"].value_counts().to_dict() == {"UC": c.N_USUAL_CARE, "SRT": c.N_THERAPY}
        assert (allocation["excluded"] == "1").sum() == 1
        assert allocation["participant"].is_unique


def test_complete_blocks_are_balanced_within_each_stratum():
    """That is what a permuted block is; an unfinished last block may be off by half its size at most."""
    stratum = np.random.default_rng(3).choice(["a", "b", "c"], size=997).astype(object)
    in_therapy, block = draw_blocks(np.random.default_rng(4), stratum)
    for name in "abc":
        here = pd.DataFrame({"therapy": in_therapy, "block": block})[stratum == name].groupby("block")[
            "therapy"
        ]
        size, therapy = here.size(), here.sum()
        assert set(size.iloc[:-1]) == set(c.BLOCK_SIZES)
        assert (2 * therapy == size).iloc[:-1].all()
        assert therapy.iloc[-1] <= max(c.BLOCK_SIZES) / 2


def test_the_arms_are_balanced_in_every_stratum(demo):
    """Site by sex: with blocks of 4 and 6 no stratum can be off by more than three."""
    counts = demo["allocation"].groupby(["site", "sex", "arm"]).size().reset_index(name="n")
    counts = counts.pivot_table(index=["site", "sex"], columns="arm", values="n", fill_value=0)
    assert len(counts) == 8
    assert (counts["UC"] - counts["SRT"]).abs().max() <= 3


@pytest.mark.parametrize("in_therapy", [False, True])
def test_hours_have_the_published_means_spreads_zeros_and_correlations(in_therapy):
    """From 100,000 draws, whose Monte-Carlo error is a tenth of the tolerances."""
    therapists = np.arange(MANY) % (MANY // 6)
    hours = draw_hours(np.random.default_rng(5), np.full(MANY, in_therapy), therapists, c.EFFECTS["demo"])
    gain = np.array(c.EFFECTS["demo"]) * in_therapy
    means, sds = hours.mean(axis=0), hours.std(axis=0)
    assert means == pytest.approx([c.BASELINE_MEAN, *(np.array(c.USUAL_CARE_MEANS) + gain)], abs=0.5)
    assert sds[0] == pytest.approx(c.BASELINE_SD, abs=0.1)
    assert ((sds[1:] > 17) & (sds[1:] < 24.2)).all()
    zeros = (hours[:, 1:] == 0).mean(axis=0)
    assert ((zeros > 0.10) & (zeros < 0.15)).all()
    correlation = np.corrcoef(hours.T)
    assert ((correlation[0, 1:] > 0.35) & (correlation[0, 1:] < 0.45)).all()
    between = correlation[1:, 1:][np.triu_indices(3, 1)]
    assert ((between > 0.55) & (between < 0.75)).all()
    assert hours.min() >= 0
    assert hours[:, 0].max() < 30
    assert hours.max() <= 168


def test_people_of_one_therapist_are_slightly_alike_and_those_in_usual_care_are_not():
    """An ICC of 0.02-0.05, in the therapy arm only; 2,000 therapists of 50 give it to about 0.003."""
    therapist = np.repeat(np.arange(2_000), 50)
    for in_therapy, lowest, highest in ((True, 0.02, 0.05), (False, -0.004, 0.004)):
        flags = np.full(len(therapist), in_therapy)
        hours = draw_hours(np.random.default_rng(6), flags, therapist, (0, 0, 0))[:, 1].reshape(-1, 50)
        within = hours.var(axis=1, ddof=1).mean()
        between = hours.mean(axis=1).var(ddof=1) - within / 50
        assert lowest < between / (between + within) < highest


def test_the_parts_of_the_hours_add_up_exactly():
    """Quarters of an hour are exact in binary, so that a true total never fails its rule by a rounding."""
    hours = np.round(4 * np.random.default_rng(8).gamma(1, 20, 5_000)) / 4
    parts = split_hours(np.random.default_rng(9), hours)
    assert (parts.sum(axis=1) == hours).all()
    assert parts.min() >= 0


@pytest.mark.parametrize("name", DEMOS)
def test_about_93_then_80_then_75_percent_are_observed(simulated, name):
    """SUPEREDEN3 saw 93 % at 9 months; 2.5 percentage points either way is four people."""
    forms = simulated[name].forms
    seen = forms["time_use"]["structured_activity_hours"] >= 0
    share = forms["time_use"][seen].groupby("visit").size() / 154
    assert share["9"] == pytest.approx(0.93, abs=0.025)
    assert share["15"] == pytest.approx(0.80, abs=0.03)
    assert share["24"] == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    ("name", "truth", "tolerance"), [("demo", 8, 1), ("demo_null", 0, 1), ("demo_negative", -5, 1)]
)
def test_the_shipped_seed_shows_the_truth_of_its_trial(simulated, name, truth, tolerance):
    """Seeds were chosen so that the three read right; the analysis adjusts for baseline, as the plan does."""
    estimate, z = _ancova_at_9_months(simulated[name].forms)
    assert estimate == pytest.approx(truth, abs=tolerance)
    assert (abs(z) > 1.96) == (truth != 0)


def _ancova_at_9_months(forms):
    seen = forms["time_use"][forms["time_use"]["structured_activity_hours"] >= 0]
    wide = seen.pivot_table(index="participant", columns="visit", values="structured_activity_hours")
    whole = wide.join(forms["allocation"].set_index("participant")).dropna(subset="9")
    strata = pd.get_dummies(whole[["site", "sex"]], drop_first=True)
    design = np.column_stack([whole["arm"] == "SRT", whole["0"], np.ones(len(whole)), strata]).astype(float)
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ whole["9"].to_numpy()
    residual = whole["9"].to_numpy() - design @ beta
    variance = residual @ residual / (len(whole) - design.shape[1])
    return beta[0], beta[0] / np.sqrt(variance * inverse[0, 0])


def test_only_the_therapy_arm_has_sessions_with_therapists_of_its_own_site(demo):
    """Therapists are nested in sites, and nobody in usual care has one."""
    held = demo["sessions"].merge(demo["allocation"], on="participant")
    assert set(held["arm"]) == {"SRT"}
    assert held.groupby("therapist")["site"].nunique().max() == 1
    assert held.groupby("site")["therapist"].nunique().between(3, 4).all()
    assert (held["session_date"] > held["randomised_on"]).all()


def test_sessions_have_the_published_mean_and_share_of_none(trials):
    """Mean 12, 10 % none, at most 40; over 40 seeds of 75 people, whose mean errs by 0.13."""
    totals = [
        simulate_trial(trials["demo"].model_copy(update={"seed": seed}))
        .forms["sessions"]["participant"]
        .value_counts()
        for seed in range(40)
    ]
    assert sum(t.sum() for t in totals) / (40 * 75) == pytest.approx(c.SESSIONS_MEAN, abs=0.5)
    assert sum(len(t) for t in totals) / (40 * 75) == pytest.approx(1 - c.SHARE_NO_SESSION, abs=0.02)
    assert max(t.max() for t in totals) <= c.SESSIONS_CAP


def test_each_planted_defect_of_the_plan_is_there_once(simulated):
    """Rules are tested on them; a defect that moved or vanished would prove nothing."""
    for trial in simulated.values():
        assert [d.kind for d in trial.defects] == [
            "day and month swapped",
            "impossible age",
            "duplicate id",
            "item out of range",
            "free text names the arm",
            "visit out of its window",
            "total is not the sum of its items",
        ]
        for defect in trial.defects:
            record = trial.forms[defect.form].iloc[defect.row - 1]
            assert record["participant"] == defect.participant


def test_the_planted_defects_are_what_they_say(simulated):
    """Each read back from the forms by the mistake it makes."""
    for trial in simulated.values():
        forms = trial.forms
        people = forms["participants"].merge(forms["allocation"], on="participant")
        assert (people["consented"] > people["randomised_on"]).sum() == 1
        assert ((people["age"] < 16) | (people["age"] > 35)).sum() == 1
        assert forms["participants"]["participant"].duplicated().sum() == 1
        assert (forms["questionnaires"]["mars5_4"] == 7).sum() == 1
        assert forms["time_use"]["assessor_note"].str.contains("SRT").sum() == 1
        wrong = forms["time_use"][list(c.PARTS)].sum(axis=1) - forms["time_use"]["structured_activity_hours"]
        observed = forms["time_use"]["structured_activity_hours"] >= 0
        assert wrong[observed & (wrong != 0)].tolist() == [-10.0]


@pytest.mark.parametrize("form", ["time_use", "questionnaires"])
def test_every_visit_but_the_planted_one_lies_in_its_window(simulated, trials, form):
    """A false alarm would teach data managers to ignore the rule."""
    windows = {code: v.window for v in trials["demo"].visits for code in v.spellings}
    for name, trial in simulated.items():
        records = trial.forms[form].merge(trial.forms["allocation"], on="participant")
        date = trials[name].forms[form].date
        days = (records[date] - records["randomised_on"]).dt.days
        low, high = (
            records["visit"].map(lambda v: windows[v][0]),
            records["visit"].map(lambda v: windows[v][1]),
        )
        assert (~days.between(low, high)).sum() == (1 if form == "time_use" else 0)


def test_all_three_missing_codes_are_used(demo):
    """-99, 999 and 88 are each declared for some variables and legal or absurd in others."""
    assert (demo["time_use"]["structured_activity_hours"] == -99).any()
    assert (demo["participants"]["days_since_discharge"] == 999).any()
    assert (demo["questionnaires"].filter(regex="^(ucla3|mars5|audit)_") == 88).any(axis=None)


def test_the_unit_s_audit_total_is_the_sum_of_the_items(demo):
    """The planted wrong total is another one."""
    items = demo["questionnaires"].filter(regex=r"^audit_\d+$")
    complete = (items != 88).all(axis=1)
    assert (demo["questionnaires"]["audit_total"][complete] == items[complete].sum(axis=1)).all()
    assert (demo["questionnaires"]["audit_total"][~complete] == -99).all()


def test_answers_but_the_planted_one_are_legal(demo, trials):
    """AUDIT items 9 and 10 take 0, 2 and 4 only, also here."""
    for name, use in trials["demo"].forms["questionnaires"].instruments.items():
        instrument = trials["demo"].instruments[name]
        codes = [float(code) for code in use.missing]
        for item in range(1, instrument.n_items + 1):
            answers = demo["questionnaires"][f"{name}_{item}"]
            low, high = instrument.answer_range(item)
            legal = instrument.legal_answers(item) or range(int(low), int(high) + 1)
            assert (~answers.isin([*legal, *codes])).sum() == (1 if f"{name}_{item}" == "mars5_4" else 0)


def test_one_seed_gives_the_same_forms_and_another_seed_others(trials):
    """Reproducible, and not by being constant."""
    first, again = simulate_trial(trials["demo"]).forms, simulate_trial(trials["demo"]).forms
    for form, frame in first.items():
        pd.testing.assert_frame_equal(frame, again[form])
    other = simulate_trial(trials["demo"].model_copy(update={"seed": 1})).forms
    assert not first["time_use"].equals(other["time_use"])


def test_each_subject_has_random_numbers_of_its_own():
    """A form that is added or changed must not change the others."""
    assert stream(1, "sessions").random() == stream(1, "sessions").random()
    assert stream(1, "sessions").random() != stream(1, "time_use").random()
