"""Who is expected and who was seen, by site: worked by hand on a few participants."""

from datetime import date

import pandas as pd
import pytest

from analysis.derive.retention import ALL, followed_up
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))  # 9 months: window 214 to 335 days


def frame(rows, columns):
    dates = [name for name in columns if name.endswith(("_on", "_date"))]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(dates, "datetime64[s]"))


def accepted(seen=(), people=None):
    listed = people or [("A", "Norfolk", "SRT", "2024-01-01"), ("B", "Norfolk", "UC", "2024-01-01"),
                        ("C", "Sussex", "UC", "2024-06-01")]  # fmt: skip
    return {
        "allocation": frame(listed, ["participant", "site", "arm", "randomised_on"]),
        "time_use": frame(list(seen), ["participant", "visit", "visit_date"]),
    }


def counts(followed, visit="m9"):
    own = followed.seen[followed.seen["visit"] == visit]
    return {one.site: (one.expected, one.observed) for one in own.itertuples()}


def test_a_visit_is_expected_from_the_day_after_its_window_closed():
    """335 days after 1 January 2024 is 1 December 2024."""
    on_the_last_day = followed_up(accepted(), TRIAL, date(2024, 12, 1))
    day_after = followed_up(accepted(), TRIAL, date(2024, 12, 2))
    assert counts(on_the_last_day) == {ALL: (0, 0), "Norfolk": (0, 0), "Sussex": (0, 0)}
    assert counts(day_after) == {ALL: (2, 0), "Norfolk": (2, 0), "Sussex": (0, 0)}


def test_a_record_makes_its_visit_expected_and_observed_early():
    """Otherwise a site that sees people promptly would have more observed than expected."""
    seen = [("A", "m9", "2024-09-01")]
    followed = followed_up(accepted(seen), TRIAL, date(2024, 9, 2))
    assert counts(followed) == {ALL: (1, 1), "Norfolk": (1, 1), "Sussex": (0, 0)}


def test_a_record_belongs_to_the_visit_of_its_date_and_counts_once():
    """As in the analysis: the label of a record that another window holds is wrong."""
    seen = [("A", "m15", "2024-09-01"), ("A", "m9", "2024-09-20"), ("Z", "m9", "2024-09-01")]
    followed = followed_up(accepted(seen), TRIAL, date(2026, 1, 1))
    assert counts(followed) == {ALL: (3, 1), "Norfolk": (2, 1), "Sussex": (1, 0)}
    assert counts(followed, "m15")[ALL] == (3, 0)


def test_who_stands_twice_in_the_list_is_counted_once():
    """A withheld night's list may hold anybody twice."""
    people = [("A", "Norfolk", "UC", "2024-01-01"), ("A", "Norfolk", "SRT", "2024-01-01")]
    followed = followed_up(accepted(people=people), TRIAL, date(2026, 1, 1))
    assert followed.recruited.to_dict("records") == [
        {"site": ALL, "randomised": 1},
        {"site": "Norfolk", "randomised": 1},
    ]


@pytest.mark.parametrize("gone", ["allocation", "time_use"])
def test_without_a_form_it_takes_nothing_is_told(gone):
    """A withheld night may lack a form, or the column that names participants."""
    forms = accepted()
    assert (
        followed_up({name: f for name, f in forms.items() if name != gone}, TRIAL, date(2026, 1, 1)) is None
    )
    unnamed = {**forms, gone: forms[gone].drop(columns="participant")}
    assert followed_up(unnamed, TRIAL, date(2026, 1, 1)) is None


def test_arms_make_no_difference():
    """A blinded reader's page is the same whosever arms the list shows."""
    seen = [("A", "m9", "2024-09-01"), ("C", "m9", "2025-02-01")]
    true, shuffled = accepted(seen), accepted(seen)
    shuffled["allocation"] = true["allocation"].assign(arm=["UC", "SRT", "SRT"])
    told = [followed_up(forms, TRIAL, date(2026, 1, 1)).seen.to_csv() for forms in (true, shuffled)]
    assert told[0] == told[1]


def test_without_dates_every_visit_is_expected():
    """Beat the Blues publishes no dates: nothing tells which visits are still to come."""
    trial = load_trial(find_trial("beat_the_blues"))
    forms = {
        "participants": pd.DataFrame({"participant": ["A", "B"]}),
        "allocation": pd.DataFrame({"participant": ["A", "B"], "arm": ["TAU", "BtheB"]}),
        "bdi": pd.DataFrame({"participant": ["A"], "visit": ["m8"], "bdi": [10.0]}),
    }
    followed = followed_up(forms, trial, date(2026, 1, 1))
    assert not followed.is_dated
    assert counts(followed, "m8") == {ALL: (2, 1)}
