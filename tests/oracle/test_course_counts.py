"""How the simulated trials went, counted again record by record in plain loops, straight from the forms."""

import math
from collections import Counter

import pytest

from analysis.derive import build_analysis_set
from analysis.estimators.course import course_records, missing_records
from analysis.results import results_table
from data_contracts.load import find_trial, load_trial
from data_contracts.readers.trial import read_trial
from pipelines.landing_data import write_simulated

pytestmark = pytest.mark.parametrize("went", ["demo", "demo_null"], indirect=True)
MADE = {}


@pytest.fixture
def went(request, tmp_path_factory):
    """Return the trial, its forms (a record per key, as the planted duplicates are set aside) and its rows."""
    if request.param not in MADE:
        trial, landing = load_trial(find_trial(request.param)), tmp_path_factory.mktemp(request.param)
        write_simulated(trial, landing)
        forms = {
            name: form.values.drop_duplicates(list(trial.forms[name].key))
            for name, form in read_trial(landing, trial).items()
        }
        built = build_analysis_set(forms, trial)
        table = results_table(course_records(built.course, trial) + missing_records(built.frame, trial))
        MADE[request.param] = trial, forms, built.frame, table
    return MADE[request.param]


def records(frame):
    return frame.to_dict("records")


def counts(table, analysis, statistic="count"):
    """Return the values of an analysis by (outcome, visit, arm, at), zeros left out."""
    rows = table[(table["analysis"] == analysis) & (table["statistic"] == statistic)]
    return {(r.outcome, r.visit, r.arm, r.at): r.value for r in rows.itertuples() if r.value}


def arms_of(forms):
    return {r["participant"]: r["arm"] for r in records(forms["allocation"])}


def kept(forms):
    return {r["participant"] for r in records(forms["allocation"]) if r["excluded"] != "1"}


def test_harms_by_arm(went):
    """People once a row, events each time; not of somebody excluded, not from before randomisation."""
    trial, forms, _, table = went
    start = {r["participant"]: r["randomised_on"] for r in records(forms["allocation"])}
    labels = trial.forms["adverse_events"].columns["category"].labels
    arms, people, events = arms_of(forms), {}, Counter()
    for one in records(forms["adverse_events"]):
        who = one["participant"]
        if who not in kept(forms) or one["started"] < start[who]:
            continue
        kinds = ["any", f"category: {labels[one['category']]}"]
        kinds += ["serious"] if one["serious"] == "Y" else []
        kinds += ["related"] if one["related"] in {"possible", "definite"} else []
        for place in [(kind, "", arm, "") for kind in kinds for arm in (arms[who], "")]:
            people.setdefault(place, set()).add(who)
            events[place] += 1
    assert counts(table, "harms") == {place: len(who) for place, who in people.items()}
    assert counts(table, "harms", "total") == events
    sizes = Counter(arms[who] for who in kept(forms))
    first = table[(table["analysis"] == "harms") & (table["outcome"] == "any")].groupby("arm")["n"].first()
    assert first.to_dict() == {**sizes, "": sum(sizes.values())}


def test_recruitment_by_month_and_by_site(went):
    """Who was excluded later was randomised all the same."""
    _, forms, _, table = went
    listed = records(forms["allocation"])
    months = Counter(("randomised", "", "", f"{r['randomised_on']:%Y-%m}") for r in listed)
    assert counts(table, "recruitment") == months
    assert counts(table, "recruitment by site") == Counter(("randomised", "", "", r["site"]) for r in listed)


def test_populations_and_who_left_them(went):
    """The first requirement that fails is the reason."""
    trial, forms, frame, table = went
    arms, held = arms_of(forms), Counter(r["participant"] for r in records(forms["sessions"]))
    hours = {(r["participant"], r["visit"]): r[trial.primary.outcome] for r in records(frame)}
    expected = Counter()
    for who, arm in arms.items():
        complete = not any(math.isnan(hours[who, visit.code]) for visit in trial.visits)
        out = "" if who in kept(forms) else "excluded after randomisation"
        dose = "" if arm == "UC" or held[who] >= 8 else "fewer than 8 sessions where therapy was offered"
        whole = "" if complete else "not observed at every visit"
        for name, reason in (("randomised", out), ("per_protocol", out or dose), ("complete", out or whole)):
            for place in (arm, ""):
                expected[name, "", place, reason] += 1
    assert counts(table, "populations") == expected


def test_patterns_of_missing_visits(went):
    """A letter a visit, in the order of the plan; of the primary population alone."""
    trial, forms, frame, table = went
    arms, patterns = arms_of(forms), {}
    for one in records(frame.sort_values("visit")):
        seen = not math.isnan(one[trial.primary.outcome])
        patterns[one["participant"]] = patterns.get(one["participant"], "") + ("X" if seen else ".")
    who = kept(forms)
    expected = Counter((trial.primary.outcome, "", arm, patterns[p]) for p in who for arm in (arms[p], ""))
    assert counts(table, "missing patterns") == expected


def test_stages_by_site_and_their_sums(went):
    """Randomised, excluded, observed and lost at each site; sites and arms each sum to everybody."""
    trial, forms, frame, table = went
    site = {r["participant"]: r["site"] for r in records(forms["allocation"])}
    expected = Counter()
    for who, where in site.items():
        expected["randomised", "", "", where] += 1
        expected["excluded", "", "", where] += who not in kept(forms)
    for one in records(frame):
        if one["participant"] in kept(forms):
            seen = not math.isnan(one[trial.primary.outcome])
            expected["observed" if seen else "lost", one["visit"], "", site[one["participant"]]] += 1
    found = counts(table, "disposition by site")
    stages = {place: n for place, n in found.items() if place[0] not in {"analysed", "not analysed"}}
    assert stages == {place: n for place, n in expected.items() if n}
    whole, by_arm, by_site = Counter(), Counter(), Counter()
    for (stage, visit, arm, _), n in counts(table, "disposition").items():
        if stage not in {"received therapy", "no therapy"}:
            (by_arm if arm else whole)[stage, visit] += n
    for (stage, visit, _, _), n in found.items():
        by_site[stage, visit] += n
    assert whole == by_arm == by_site
