"""The shuffled allocation: what moves, what stays, and what it must not say."""

from collections import Counter
from datetime import UTC, datetime
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from data_contracts.blinding import (
    HELD,
    Person,
    blinded,
    forms_held_apart,
    held_columns,
    permutation,
    revealing_columns,
    revealing_forms,
)
from data_contracts.forms import ReadForm, SourceFile
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.operations import Blinding

SOURCE = SourceFile("f.csv", "0", 0, datetime(2026, 1, 1, tzinfo=UTC))
TRIAL = load_trial(SHIPPED_TRIALS / "demo.toml").model_copy(update={"blinding": Blinding()})
KEY = b"k" * 32


def form(name, unreadable=(), **columns):
    """Return a form of columns, dates being given as text."""
    values = pd.DataFrame(columns)
    for column in values:
        if column.endswith(("_on", "_date")):
            values[column] = pd.to_datetime(values[column]).astype("datetime64[s]")
        elif values[column].dtype == object:
            values[column] = values[column].astype("str")
    values.index = pd.RangeIndex(1, len(values) + 1, name="row")
    reasons = pd.DataFrame(index=values.index, columns=values.columns, dtype="str")
    types = {"row": "int64", "column": "str", "found": "str", "expected": "str"}
    cells = pd.DataFrame(list(unreadable), columns=list(types)).astype(types)
    return ReadForm(name, values, reasons, cells, SOURCE)


def people(n, sites=("Norfolk", "Sussex")):
    """Return the forms of a trial of n participants, of whom every second pair is in the therapy."""
    names = [f"P{i:03d}" for i in range(n)]
    arms = ["SRT" if i // 2 % 2 else "UC" for i in range(n)]
    dates = [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)]
    treated = [name for name, arm in zip(names, arms, strict=True) if arm == "SRT"]
    number = [(name, i) for name in treated for i in (1, 2, 3)]
    when = dict(zip(names, dates, strict=True))
    return {
        "participants": form("participants", participant=names, age=list(range(n))),
        "allocation": form(
            "allocation", participant=names, arm=arms, randomised_on=dates, block=[i // 4 for i in range(n)],
            site=[sites[i % len(sites)] for i in range(n)], sex=["F"] * n,
        ),
        "sessions": form(
            "sessions", participant=[name for name, _ in number], session=[i for _, i in number],
            session_date=[str(np.datetime64(when[name]) + 10 * i) for name, i in number],
            therapist=[f"T-{name}" for name, _ in number],
        ),
        "time_use": form("time_use", participant=names, assessor_note=["saw her SRT therapist"] * n),
    }  # fmt: skip


def arms_of(forms):
    return forms["allocation"].values.set_index("participant")["arm"]


def test_arms_keep_their_totals_in_every_stratum():
    """The plan's model must meet the same numbers as it will in earnest."""
    forms = people(40)
    shown = blinded(forms, TRIAL, KEY).forms
    for site in ("Norfolk", "Sussex"):
        of_site = forms["allocation"].values["site"] == site
        before = forms["allocation"].values.loc[of_site, "arm"].value_counts().to_dict()
        assert shown["allocation"].values.loc[of_site, "arm"].value_counts().to_dict() == before


def test_the_same_key_gives_the_same_allocation_and_another_key_another():
    """Each night must say the same, and nobody without the key may draw it again."""
    forms = people(40)
    first, again, other = (arms_of(blinded(forms, TRIAL, key).forms) for key in (KEY, KEY, b"other" * 8))
    assert first.equals(again)
    assert not first.equals(other)


def test_numbers_blocks_and_dates_of_the_list_stay_with_their_participant():
    """Moved with the arm, a number would tell by its place in time whose arm it is."""
    forms = people(40)
    shown = blinded(forms, TRIAL, KEY).forms["allocation"].values
    kept = ["participant", "randomised_on", "block", "site", "sex"]
    pd.testing.assert_frame_equal(shown[kept], forms["allocation"].values[kept])


def test_whoever_is_shown_in_the_therapy_arm_has_the_sessions_of_another_and_nobody_else_has_any():
    """Sessions at the wrong arm would tell that the arm is shuffled, and whose it is."""
    forms = people(40)
    shown = blinded(forms, TRIAL, KEY).forms
    arms, sessions = arms_of(shown), shown["sessions"].values
    assert set(sessions["participant"]) == set(arms.index[arms == "SRT"])
    assert sessions.groupby("participant")["session"].agg(list).map(tuple).unique().tolist() == [(1, 2, 3)]
    assert sessions.groupby("participant")["therapist"].nunique().eq(1).all(), "a bundle stays together"
    true = set(forms["sessions"].values["participant"])
    assert set(sessions["participant"]) != true


def test_sessions_keep_their_day_of_the_week_and_their_distance_from_randomisation_to_a_week():
    """A date that stayed would tell when the true participant was randomised; so would a Sunday."""
    forms = people(40)
    shown = blinded(forms, TRIAL, KEY).forms
    when = shown["allocation"].values.set_index("participant")["randomised_on"]
    sessions = shown["sessions"].values
    days = (sessions["session_date"] - sessions["participant"].map(when)).dt.days
    assert days.sub(sessions["session"] * 10).between(0, 6).all()
    true = forms["sessions"].values.assign(day=lambda f: f["session_date"].dt.day_of_week)
    moved = sessions.assign(day=lambda f: f["session_date"].dt.day_of_week)
    by_bundle = [f.groupby(["therapist", "session"])["day"].first() for f in (true, moved)]
    assert by_bundle[0].equals(by_bundle[1])
    assert not true["session_date"].equals(moved["session_date"])


def test_the_order_of_sessions_says_nothing_of_the_file():
    """Files are often sorted by participant: kept, the order would lead back to each."""
    forms = people(40)
    shown = blinded(forms, TRIAL, KEY)
    assert shown.forms["sessions"].values["participant"].is_monotonic_increasing
    rows = shown.rows["sessions"]
    assert sorted(rows.values()) == list(range(1, 61))
    for old, new in rows.items():
        therapist = forms["sessions"].values.loc[old, "therapist"]
        assert shown.forms["sessions"].values.loc[new, "therapist"] == therapist


def test_free_text_is_left_empty_and_says_why():
    """“Saw her SRT therapist” tells the arm."""
    shown = blinded(people(6), TRIAL, KEY).forms["time_use"]
    assert shown.values["assessor_note"].isna().all()
    assert (shown.reasons["assessor_note"] == HELD).all()


def test_who_had_a_value_of_a_column_left_empty_is_not_told():
    """Only treated participants rate the therapy: the others' blanks, and why they are blank, tell the arm."""
    trial = TRIAL.model_copy(update={"blinding": Blinding(reveals=("time_use.sport_hours",))})
    forms = people(4)
    names = list(forms["participants"].values["participant"])
    rated = form("time_use", participant=names, sport_hours=[2.0, np.nan, 5.0, np.nan])
    rated.reasons["sport_hours"] = [None, "usual care: not asked", None, None]
    shown = blinded({**forms, "time_use": rated}, trial, KEY).forms["time_use"]
    assert shown.values["sport_hours"].isna().all()
    assert (shown.reasons["sport_hours"] == HELD).all()


def test_nobody_is_kept_from_drawing_their_own_arm():
    """With two participants, “never one's own” would tell both arms."""
    two = [Person("a", (), "UC", ""), Person("b", (), "SRT", "")]
    own = sum(permutation(two, bytes([i, j]) * 16)["a"] == "a" for i in range(20) for j in range(20))
    assert 150 < own < 250, "400 draws of one half: 200, give or take five standard deviations of 10"


def test_every_permutation_is_equally_likely():
    """Any other distribution would say something of the truth."""
    four = [Person(name, (), arm, "") for name, arm in zip("abcd", ["UC", "SRT"] * 2, strict=True)]
    n = 4800
    drawn = Counter(tuple(permutation(four, i.to_bytes(4, "big")).values()) for i in range(n))
    expected = n / 24
    chi_square = sum((drawn[p] - expected) ** 2 / expected for p in permutations("abcd"))
    assert chi_square < 62, "23 degrees of freedom: 1 in 20,000 lies above"


def test_a_stratum_of_one_arm_is_shuffled_with_others():
    """Alone in a stratum, one would always be given one's own arm."""
    lone = [Person("x", ("Lone",), "SRT", "")]
    others = [Person(f"o{i}", ("Big",), "UC" if i % 2 else "SRT", "") for i in range(6)]
    drawn = {permutation([*lone, *others], bytes([i]) * 32)["x"] for i in range(60)}
    assert len(drawn) > 3


def test_a_new_participant_leaves_most_of_the_others_as_they_were():
    """An allocation that jumps about each night makes nights incomparable."""
    many = [Person(f"{i:03d}", (), "UC" if i % 2 else "SRT", f"2024-01-{1 + i // 4:02d}") for i in range(60)]
    before, after = permutation(many[:-1], KEY), permutation(many, KEY)
    assert sum(before[name] != after[name] for name in before) <= 1


def test_whoever_stands_twice_in_the_list_is_given_no_arm():
    """Which of the two is right is not known; the data are withheld or the records set aside."""
    forms = people(8)
    twice = pd.concat([forms["allocation"].values, forms["allocation"].values.iloc[[2]]], ignore_index=True)
    columns = {name: twice[name].tolist() for name in twice if name != "randomised_on"}
    dates = twice["randomised_on"].dt.strftime("%Y-%m-%d").tolist()
    forms["allocation"] = form("allocation", **columns, randomised_on=dates)
    shown = blinded(forms, TRIAL, KEY).forms
    doubtful = shown["allocation"].values["participant"] == "P002"
    assert shown["allocation"].values.loc[doubtful, "arm"].isna().all()
    assert "P002" not in set(shown["sessions"].values["participant"].dropna())
    assert shown["sessions"].values["participant"].isna().sum() == 3, "no record is lost"


def test_an_arm_that_could_not_be_read_moves_with_what_was_found():
    """The cell's text is the arm."""
    forms = people(8)
    odd = (3, "arm", "SRTX", "an arm")
    allocation = forms["allocation"]
    forms["allocation"] = ReadForm(
        "allocation", allocation.values, allocation.reasons, form("x", [odd], a=[1]).unreadable, SOURCE
    )
    cells = blinded(forms, TRIAL, KEY).forms["allocation"].unreadable
    assert cells["found"].tolist() == ["SRTX"]
    shown, true = (
        blinded(forms, TRIAL, KEY).forms["allocation"].values,
        forms["allocation"].values,
    )
    assert shown.loc[cells["row"].iloc[0], "arm"] == true.loc[3, "arm"]


def test_what_tells_the_arm_is_told_by_the_plan():
    """A group leader, a form that only the therapy arm fills in: the plan alone knows them."""
    told = TRIAL.model_copy(
        update={"blinding": Blinding(reveals=("questionnaires", "participants.age", "time_use.sport_hours"))}
    )
    assert revealing_forms(told) == {"sessions", "discontinuations", "questionnaires"}
    assert revealing_columns(told) == {"allocation": ("arm",), "participants": ("age",)}
    assert "sport_hours" in held_columns(told)["time_use"]
    assert {"allocation", "sessions", "participants", "time_use"} <= forms_held_apart(told)
    forms = people(40)
    ages = blinded(forms, told, KEY).forms["participants"].values["age"]
    assert sorted(ages) == sorted(forms["participants"].values["age"])
    arms = arms_of(blinded(forms, told, KEY).forms)
    assert [("UC", "SRT")[age // 2 % 2] for age in ages] == arms.tolist(), "it moves with the arm"


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_trials_that_have_hardly_begun_can_be_blinded(n):
    """The first nights have no participant, or one."""
    shown = blinded(people(n), TRIAL, KEY).forms
    assert len(shown["allocation"].values) == n
