"""What a trial file may not say of its recruitment and screening, and the sentence it gets."""

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

TEXT = (SHIPPED_TRIALS / "demo.toml").read_text(encoding="utf-8")


DAY = "Write year-month-day, without quotation marks or a time."
KEYS = "one of: begins, ends, screened, excluded"


def told(tmp_path, *changes):
    """Return what the changed trial file is told of, by key: found, expected, remedy."""
    path, text = tmp_path / "edited.toml", TEXT
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(path)
    problems = caught.value.problems
    return {p.where.removeprefix("edited.toml, "): (p.found, p.expected, p.remedy) for p in problems}


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("ends = 2018-02-28", "ends = 2016-03-01", "ends",
         ("2016-03-01, no later than `begins`", "a day after 2016-03-01",
          "Exchange the two, or correct the one that is wrong.")),
        ("screened = 412\n", "", "excluded",
         ("257 people and no `screened`", "`screened` beside it, the number they were among",
          "Add it, from the screening log; or leave `excluded` out.")),
        ("screened = 412", "screened = 256", "excluded",
         ("257 people", "no more than were `screened`, 256", "Count both again, in the screening log.")),
        ("begins = 2016-03-01", 'begins = "spring"', "begins", ("'spring'", "a date, such as 2024-03-31", DAY)),
        ("begins = 2016-03-01", "begins = 2016-03-01T09:00:00", "begins",
         ("2016-03-01T09:00:00", "a date without a time of day, such as 2024-03-31", DAY)),
        ('"Declined to take part" = 86', '"Declined to take part" = -1', "excluded.Declined to take part",
         ("-1", "0 or more", "")),
        ("screened = 412", 'screened = "412"', "screened", ("'412'", "a whole number", "")),
        ("screened = 412", "screened = true", "screened", ("true", "a whole number", "")),
        ("screened = 412", "screend = 412", "screend",
         ("a key that means nothing here", KEYS, "Did you mean `screened`?")),
        ("screened = 412", "412 = 412", "412",
         ("a key that means nothing here", KEYS, "Correct it, or take it out.")),
        ("[recruitment]", "[[recruitment]]", "",
         ("a list", "a table: a [heading] with keys below it, or { key = value }", "")),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is_with_what_to_do(tmp_path, old, new, key, said):
    """The numbers are typed by hand, from a list somebody keeps."""
    assert told(tmp_path, (old, new))[f"recruitment.{key}".rstrip(".")] == said


def test_all_mistakes_are_told_at_once(tmp_path):
    """Else whoever mends them runs it four times."""
    changes = (
        ("ends = 2018-02-28", "ends = 2015-02-28"),
        ("screened = 412", "screened = 12"),
        ("[recruitment]", "[recruitment]\nsites = 2"),
    )
    assert set(told(tmp_path, *changes)) == {f"recruitment.{key}" for key in ("ends", "excluded", "sites")}


def test_what_only_follows_from_another_mistake_is_not_told(tmp_path):
    """One wrong number is one mistake."""
    assert set(told(tmp_path, ("screened = 412", 'screened = "many"'))) == {"recruitment.screened"}
    assert set(told(tmp_path, ("begins = 2016-03-01", 'begins = "spring"'))) == {"recruitment.begins"}


def test_a_trial_may_say_nothing_of_it():
    """Most have no log that could be counted, and recruitment may be going on."""
    declared = load_trial(SHIPPED_TRIALS / "beat_the_blues.toml").recruitment
    assert (declared.begins, declared.ends, declared.screened, dict(declared.excluded)) == (
        None,
        None,
        None,
        {},
    )
