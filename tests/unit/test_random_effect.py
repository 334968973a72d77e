"""Random effects as plans and command lines write them."""

import pytest

from data_contracts.random_effect import RandomEffect, random_effect


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("site", RandomEffect(("site",))),
        ("school:class", RandomEffect(("school", "class"))),
        ("therapist:arm=SRT", RandomEffect(("therapist",), "1", "arm", "SRT")),
        ("therapist : arm == 'SRT'", RandomEffect(("therapist",), "1", "arm", "SRT")),
        ("id:1 + month", RandomEffect(("id",), "1 + month")),
        ("id:0 + month:arm=SRT", RandomEffect(("id",), "0 + month", "arm", "SRT")),
    ],
)
def test_each_form_is_read(text, expected):
    """Columns, then coefficients, then where it acts."""
    assert random_effect(text) == expected


def test_an_effect_knows_every_column_it_needs():
    """So that a plan with a name that is no column is refused before it runs."""
    assert random_effect("id:1 + month + bdi.pre:arm=SRT").columns == ("id", "month", "bdi.pre", "arm")


@pytest.mark.parametrize(
    "text", ["", "arm=SRT", "therapist:arm=", "therapist:=SRT", ":arm=SRT", "a=b:c", "1 + x"]
)
def test_what_means_nothing_is_refused(text):
    """With the forms there are."""
    with pytest.raises(ValueError, match="such as site"):
        random_effect(text)
