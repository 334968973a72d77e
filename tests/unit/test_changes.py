"""What is said of two nights' accepted records, cell by cell."""

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_contracts.changes import changes_between, counts_of
from data_contracts.load import find_trial, load_trial
from data_contracts.operations import Blinding


def form(name="scores", kind="visits", key=("participant", "visit")):
    return SimpleNamespace(name=name, kind=kind, key=key)


def trial(*forms, is_open=True):
    blinding = SimpleNamespace(is_declared_open=is_open)
    return SimpleNamespace(forms={one.name: one for one in forms}, blinding=blinding)


def scores(**columns):
    frame = pd.DataFrame(
        {
            "participant": pd.Series(["P1", "P1", "P2"], dtype="str"),
            "visit": pd.Series(["m0", "m6", "m0"], dtype="str"),
            "score": [1.0, 2.5, np.nan],
            "items": pd.array([1, None, 3], dtype="Int64"),
            "on": pd.Series(pd.to_datetime(["2026-01-02", None, "2026-03-04"])).astype("datetime64[s]"),
            "words": pd.Series(["a", "", None], dtype="str"),
        }
    ).set_axis(pd.RangeIndex(1, 4, name="row"))
    return frame.assign(**columns)


def told(before, after, plan=None):
    plan = plan or trial(form())
    frame = changes_between({"scores": before}, {"scores": after}, plan)
    rows = frame.astype("object").where(frame.notna(), None)
    return [tuple(row) for row in rows.drop(columns="form").itertuples(index=False)]


def test_the_same_records_have_no_changes_whatever_storage_made_of_their_types():
    """A rerun of the same data must say nothing: the last night comes from Parquet, this one from a reader."""
    stored = scores(
        items=[1.0, np.nan, 3.0],
        on=scores()["on"].astype("datetime64[ms]"),
        words=scores()["words"].astype("object"),
        visit=scores()["visit"].astype("category"),
    )
    assert told(scores(), scores()) == []
    assert told(stored, scores()) == []
    assert told(scores(), stored.reset_index(drop=True)) == []


def test_each_changed_cell_is_a_row_with_old_and_new_as_a_person_writes_them():
    """3 rather than 3.0, a date without a time, nothing where there was nothing."""
    after = scores(
        score=[1.0, 2.25, 7.0],
        items=pd.array([None, None, 4], dtype="Int64"),
        on=pd.Series(pd.to_datetime(["2026-01-03", None, "2026-03-04"]), index=scores().index),
        words=["a", "b", None],
    )
    assert told(scores(), after) == [
        ("changed", "P1", "m0", "P1 · m0", "items", "1", None),
        ("changed", "P1", "m0", "P1 · m0", "on", "2026-01-02", "2026-01-03"),
        ("changed", "P1", "m6", "P1 · m6", "score", "2.5", "2.25"),
        ("changed", "P1", "m6", "P1 · m6", "words", "", "b"),
        ("changed", "P2", "m0", "P2 · m0", "score", None, "7"),
        ("changed", "P2", "m0", "P2 · m0", "items", "3", "4"),
    ]


def test_a_blank_text_and_no_text_are_told_apart():
    """A reader that begins to give one for the other changes what counts as missing."""
    assert told(scores(words=["a", "", ""]), scores()) == [
        ("changed", "P2", "m0", "P2 · m0", "words", "", None)
    ]


def test_records_that_came_and_went_are_named_whatever_the_order_of_the_file():
    """An export sorted anew is no change."""
    extra = scores().iloc[[0]].assign(participant="P3")
    after = pd.concat([extra, scores().iloc[[2, 0]]])
    assert told(scores(), after) == [
        ("record removed", "P1", "m6", "P1 · m6", "", None, None),
        ("record added", "P3", "m0", "P3 · m0", "", None, None),
    ]


def test_a_corrected_key_is_a_record_that_went_and_one_that_came():
    """A visit relabelled from m6 to m12 is no longer the same record."""
    after = scores(visit=pd.Series(["m0", "m12", "m0"], index=scores().index, dtype="str"))
    assert [row[0] for row in told(scores(), after)] == ["record removed", "record added"]


def test_records_with_one_key_are_paired_in_their_order():
    """None should be accepted; if some are, a change in the second must not be put on the first."""
    twice = pd.concat([scores().iloc[[0]], scores().iloc[[0]].assign(score=9.0), scores().iloc[[1]]])
    after = pd.concat([scores().iloc[[0]], scores().iloc[[0]].assign(score=8.0)])
    assert told(twice, after) == [
        ("record removed", "P1", "m6", "P1 · m6", "", None, None),
        ("changed", "P1", "m0", "P1 · m0", "score", "9", "8"),
    ]


def test_a_key_with_a_blank_is_a_key_like_any_other():
    """A record without a visit must not be paired with just any other."""
    blank = scores(visit=pd.Series([None, "m6", None], index=scores().index, dtype="str"))
    assert told(blank, blank.iloc[[2, 1, 0]]) == []
    assert told(blank, blank.iloc[[1, 2]]) == [("record removed", "P1", "", "P1 · ", "", None, None)]


def test_a_form_without_a_key_is_compared_record_by_whole_record():
    """Else a row put in at the top would change every cell below it."""
    plan = trial(form(key=()))
    after = pd.concat([scores().iloc[[1]].assign(score=5.0), scores()])
    assert [row[0] for row in told(scores(), after, plan)] == ["record added"]


def test_a_column_that_came_or_went_is_one_row_not_one_for_each_record():
    """A contract that declares one more column changed, not a million cells."""
    assert told(scores(), scores(extra=1.0).drop(columns="words")) == [
        ("column removed", "", "", "", "words", None, None),
        ("column added", "", "", "", "extra", None, None),
    ]


def test_a_form_that_appears_is_its_records():
    """An optional export that comes for the first time."""
    frame = changes_between({}, {"scores": scores()}, trial(form()))
    assert counts_of(frame) == {"scores": {"record added": 3}}
    frame = changes_between({"scores": scores()}, {}, trial(form()))
    assert counts_of(frame) == {"scores": {"record removed": 3}}


@pytest.mark.parametrize("is_open", [True, False])
def test_a_blind_trials_arms_are_not_in_the_log(is_open):
    """The log is read by people who must not know."""
    demo = load_trial(find_trial("demo"))
    plan = demo if is_open else demo.model_copy(update={"blinding": Blinding()})
    people = pd.DataFrame({"participant": ["P1", "P2"], "arm": ["SRT", "UC"], "block": [1, 1]})
    after = people.assign(arm=["UC", "UC"], block=[2, 1])
    log = changes_between({"allocation": people}, {"allocation": after}, plan)
    if is_open:
        assert list(zip(log["column"], log["old"], strict=True)) == [("arm", "SRT"), ("block", "1")]
    else:
        assert log["participant"].tolist() == ["P1"]
        assert log["column"].tolist() == [""], "not even which"
        assert log[["old", "new"]].isna().all(axis=None)
        assert "SRT" not in log.to_csv()
        assert "arm" not in log.to_csv()


def test_numbers_are_compared_as_they_are_and_kept_in_full():
    """A change in the last digit is a change; two infinities are the same."""
    before, after = scores(score=[0.1, np.inf, 2.0**60]), scores(score=[0.1 + 2**-55, np.inf, 2.0**60])
    assert [row[-2:] for row in told(before, after)] == [("0.1", repr(0.1 + 2**-55))]


@pytest.mark.slow
def test_a_million_records_take_seconds():
    """2.9 s were measured for 40 columns; ten times that would be felt each night."""
    n = 1_000_000
    frame = pd.DataFrame(
        {"participant": [f"P{i // 4}" for i in range(n)], "visit": [f"m{i % 4}" for i in range(n)]}
    )
    frame = frame.assign(**{f"x{i}": np.arange(n, dtype=float) for i in range(20)})
    after = frame.sample(frac=1, random_state=1).assign(x3=lambda f: f["x3"].where(f["x3"] != 7, -1))
    begun = time.monotonic()
    assert len(changes_between({"scores": frame}, {"scores": after}, trial(form()))) == 1
    assert time.monotonic() - begun < 30
