"""The change log against a slow, obvious oracle: what it says, applied to the old records, gives the new ones."""

from types import SimpleNamespace

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.changes import changes_between

FORM = SimpleNamespace(name="f", kind="visits", key=("participant", "visit"))
TRIAL = SimpleNamespace(forms={"f": FORM}, blinding=SimpleNamespace(is_declared_open=True))
KEYS = st.tuples(st.sampled_from(["P1", "P2", "P3"]), st.sampled_from(["m0", "m6"]))
CELLS = st.tuples(st.sampled_from([None, 1, 2]), st.sampled_from([None, "a", "b"]))
RECORDS = st.dictionaries(KEYS, CELLS, max_size=6)


def frame_of(records):
    rows = [(*key, *cells) for key, cells in records.items()]
    frame = pd.DataFrame(rows, columns=["participant", "visit", "number", "text"])
    return frame.astype({"participant": "str", "visit": "str", "number": "Int64", "text": "str"})


def text(value):
    return None if value is None else str(value)


@settings(deadline=None)
@given(RECORDS, RECORDS, st.randoms(use_true_random=False))
def test_the_log_says_what_differs_and_nothing_else(before, after, random):
    """Whatever the order of the records: nothing lost, nothing told twice."""
    shuffled = dict(random.sample(list(after.items()), len(after)))
    log = changes_between({"f": frame_of(before)}, {"f": frame_of(shuffled)}, TRIAL)
    found = {
        (r.change, r.participant, r.visit, r.column, text(r.old) if pd.notna(r.old) else None,
         text(r.new) if pd.notna(r.new) else None)
        for r in log.itertuples()
    }  # fmt: skip
    expected = {("record removed", *key, "", None, None) for key in before.keys() - after.keys()}
    expected |= {("record added", *key, "", None, None) for key in after.keys() - before.keys()}
    expected |= {
        ("changed", *key, column, text(old), text(new))
        for key in before.keys() & after.keys()
        for column, old, new in zip(("number", "text"), before[key], after[key], strict=True)
        if old != new
    }
    assert found == expected
    assert len(log) == len(expected)
