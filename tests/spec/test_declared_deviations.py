"""Deviations that a trial file declares: clause, what and why are there, and dates are dates."""

import datetime as dt

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

ADDED = '\n[[deviations]]\nclause = "SAP 6.1"\nwhat = "One."\nwhy = "Because."\n'


def _load(tmp_path, added):
    path = tmp_path / "own.toml"
    path.write_text((SHIPPED_TRIALS / "beat_the_blues.toml").read_text("utf-8") + added, "utf-8")
    return load_trial(path)


def test_a_deviation_is_read_with_and_without_a_date(tmp_path):
    """Not every decision was dated."""
    dated, undated = _load(tmp_path, ADDED + "on = 2024-02-29\n" + ADDED).deviations
    assert (dated.on, undated.on) == (dt.date(2024, 2, 29), None)
    assert dated.clause == "SAP 6.1"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"SAP 6.1"', '"six"', 'a document and a number in it, such as "SAP 6.2"'),
        ('"SAP 6.1"', '""', "a document and a number"),
        ('what = "One."', 'what = " "', "a text of at least 1 character"),
        ('why = "Because."\n', "", "deviations.0.why: found nothing"),
        ('why = "Because."', 'why = "Because."\non = "soon"', "a date, such as 2024-03-31"),
        ('why = "Because."', 'why = "Because."\non = 2024-02-29T10:00:00', "a date without a time of day"),
        ('why = "Because."', 'why = "Because."\nwhen = 2024-02-29', "deviations.0.when"),
    ],
)
def test_a_deviation_that_says_too_little_is_refused(tmp_path, old, new, said):
    """It would stand in the report as a blank."""
    with pytest.raises(PlanError) as raised:
        _load(tmp_path, ADDED.replace(old, new))
    assert said in str(raised.value)


def test_a_mistake_says_where_it_is_and_what_to_do(tmp_path):
    """In the second of two, and all of them at once."""
    wrong = ADDED.replace("what =", "waht =").replace('why = "Because."', 'why = "Because."\non = "soon"')
    with pytest.raises(PlanError) as raised:
        _load(tmp_path, ADDED + wrong)
    told = {p.where: (p.found, p.expected, p.remedy) for p in raised.value.problems}
    assert told == {
        "own.toml, deviations.1.what": ("nothing", "this key (it is required)", ""),
        "own.toml, deviations.1.waht": (
            "a key that means nothing here",
            "one of: clause, what, why, on",
            "Did you mean `what`?",
        ),
        "own.toml, deviations.1.on": (
            "'soon'",
            "a date, such as 2024-03-31",
            "Write year-month-day, without quotation marks or a time.",
        ),
    }


def test_one_pair_of_brackets_too_few_is_said_so(tmp_path):
    """TOML's commonest trap: the second table of the same name is then a fault of the file."""
    with pytest.raises(PlanError, match=r"\[\[deviations\]\], in double square brackets, above each"):
        _load(tmp_path, ADDED.replace("[[deviations]]", "[deviations]"))


def test_the_demonstration_declares_one():
    """Whoever copies it sees where they go."""
    (one,) = load_trial(SHIPPED_TRIALS / "demo.toml").deviations
    assert one.clause == "SAP 6.19"
