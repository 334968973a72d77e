"""Where a query is to be settled: the record's own site, its participant's, or nowhere that is known."""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.load import find_trial, load_trial
from data_contracts.query_sites import with_sites

TRIAL = load_trial(find_trial("demo"))


def form(name, **columns):
    index = pd.RangeIndex(1, len(next(iter(columns.values()))) + 1, name=ROW)
    values = pd.DataFrame({k: pd.array(v, dtype="str") for k, v in columns.items()}, index=index)
    source = SourceFile(f"{name}.csv", "0" * 64, 1, datetime(2024, 1, 1, tzinfo=UTC))
    nothing = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
    return ReadForm(name, values, pd.DataFrame(index=index), nothing, source)


@pytest.fixture
def forms():
    return {
        "participants": form("participants", participant=["P1", "P2", "P3"]),
        "allocation": form("allocation", participant=["P1", "P2", "P2"], site=["Norfolk", "2", "Sussex"]),
        "time_use": form("time_use", participant=["P2", "P9", None]),
    }


def sites(forms, *records):
    frame = pd.DataFrame(records, columns=["form", "row", "participant"])
    frame = frame.astype({"form": "str", "row": "Int64", "participant": "str"})
    return list(with_sites(frame, forms, TRIAL)["site"])


def test_a_record_without_a_site_has_its_participants(forms):
    """Of two entries for one participant the first counts; a code the plan knows becomes the site's name."""
    assert sites(forms, ("time_use", 1, "P2"), ("participants", 1, "P1")) == ["Birmingham", "Norfolk"]


def test_a_records_own_site_counts_before_its_participants(forms):
    """The record to be mended lies there."""
    assert sites(forms, ("allocation", 3, "P2")) == ["Sussex"]


def test_who_is_at_no_known_site_has_none(forms):
    """Unregistered, unnamed, or a question about a form as a whole."""
    records = [
        ("time_use", 2, "P9"),
        ("time_use", 3, ""),
        ("allocation", None, ""),
        ("participants", 3, "P3"),
    ]
    assert sites(forms, *records) == ["", "", "", ""]


def test_a_trial_without_sites_and_a_list_without_queries_are_fine(forms):
    """One centre needs no column."""
    bare = {
        name: replace(one, values=one.values.drop(columns="site", errors="ignore"))
        for name, one in forms.items()
    }
    assert sites(bare, ("time_use", 1, "P2")) == [""]
    assert sites(forms) == []
