"""What a trial file may not say of its recruitment and screening, and the sentence it gets."""

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

TEXT = (SHIPPED_TRIALS / "demo.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ends = 2018-02-28", "ends = 2016-03-01", "`ends` must come after `begins`"),
        ("screened = 412\n", "", "`excluded` goes with `screened`"),
        ("screened = 412", "screened = 256", "more people are `excluded` than were `screened`"),
        ("begins = 2016-03-01", 'begins = "spring"', "a date, such as"),
        ('"Declined to take part" = 86', '"Declined to take part" = -1', "0 or more"),
        ("screened = 412", "assessed = 412", "a key that means nothing here"),
    ],
)
def test_a_mistake_is_told_where_it_is(tmp_path, old, new, said):
    """The numbers are typed by hand, from a list somebody keeps."""
    path = tmp_path / "edited.toml"
    assert TEXT.count(old) == 1
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(path)
    assert any("recruitment" in str(problem) and said in str(problem) for problem in caught.value.problems)


def test_a_trial_may_say_nothing_of_it():
    """Most have no log that could be counted, and recruitment may be going on."""
    declared = load_trial(SHIPPED_TRIALS / "beat_the_blues.toml").recruitment
    assert (declared.begins, declared.ends, declared.screened, dict(declared.excluded)) == (
        None,
        None,
        None,
        {},
    )
