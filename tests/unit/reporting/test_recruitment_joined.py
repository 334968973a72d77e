"""The course of recruitment where months with few are counted with the next one: its beginning is not told."""

import pytest

from analysis.reporting.figures import look
from analysis.reporting.figures.recruitment import recruitment_figure
from analysis.results import Statistic, results_frame


@pytest.fixture
def drawn(trial, monkeypatch):
    """Return a function: what the figure says, and the course that is drawn."""
    kept = []
    real = look.picture
    monkeypatch.setattr(look, "picture", lambda figure, *words: kept.append(figure) or real(figure, *words))

    def draw(**options):
        months = [Statistic("count", n, at=at) for at, n in (("2016-05", 12.0), ("2016-06", 7.0))]
        rows = results_frame(months, analysis="recruitment", outcome="randomised", role="descriptive")
        (picture,) = recruitment_figure(rows, trial, **options)
        (line,) = (one for axes in kept[-1].axes for one in axes.lines if one.get_label() == "Randomised: 19")
        return picture.said, [int(n) for n in line.get_ydata()]

    return draw


def test_a_month_that_holds_those_before_it_is_not_when_recruitment_began(drawn):
    """Those of March and April are counted in May: "from May", with nobody at its beginning, is not so."""
    said, so_far = drawn(joined=True)
    assert "19 participants were randomised, by the end of Jun 2016." in said
    assert so_far == [12, 19]


def test_where_every_month_is_told_so_is_the_first(drawn):
    said, so_far = drawn()
    assert "19 participants were randomised, from May 2016 to Jun 2016." in said
    assert so_far == [0, 12, 19]
