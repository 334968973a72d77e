"""Words of a figure fit: long names are wrapped or shortened, and visits that stand close keep their names apart."""

import math
from itertools import pairwise

import pytest

from analysis.reporting.figures import look, missing_patterns, panels, visits
from analysis.reporting.figures.adjusted_means import adjusted_means_figure
from analysis.reporting.figures.differences import differences_figure
from analysis.reporting.figures.distribution import distribution_figure
from analysis.reporting.figures.missing_patterns import missing_patterns_figure
from analysis.reporting.figures.recruitment import recruitment_figure
from analysis.reporting.figures.tipping_point import tipping_figures
from analysis.results import Statistic, result_records, results_table
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Arm, Site, Visit

DEMO = load_trial(find_trial("demo"))
LONG = "Social Recovery Therapy with weekly telephone coaching by a trained graduate worker plus usual care"
ARMS = (
    Arm(code="UC", label=f"Usual care, as in {LONG}", reference=True),
    Arm(code="SRT", label=LONG, therapy=True),
    Arm(code="ONLINE", label=f"{LONG}, over the internet", therapy=True),
)
WEEKS = {"w1": 0.25, "w2": 0.5, "w4": 1.0, "m9": 12.0}
VISITS = (
    Visit(code="baseline", label="Baseline", month=0, baseline=True),
    *(Visit(code=code, label=f"{round(4 * month)} weeks", month=month) for code, month in WEEKS.items()),
)
SITES = tuple(Site(code=code, label=f"{LONG} {code}", target=90) for code in ("N", "S"))
CROWDED = DEMO.model_copy(update={"arms": ARMS, "visits": VISITS, "sites": SITES})
OUTCOME, LIMITS = DEMO.primary.outcome, {"se": 2.0, "confidence": 0.95, "p_value": 0.05, "n": 150}


def of_visits(n, label="{} months"):
    """Return the trial with a visit each month, the primary one among them."""
    every = [Visit(code=f"m{i}", label=label.format(i), month=i) for i in range(1, n)]
    return CROWDED.model_copy(update={"visits": (VISITS[0], *every)})


def _rows(analysis, *statistics, outcome=OUTCOME):
    return result_records(statistics, analysis=analysis, outcome=outcome, role="primary")


def _means(shown=VISITS):
    for place, arm in enumerate(ARMS):
        for visit in shown[1:]:
            common = {"visit": visit.code, "lower": -5.0, "upper": 25.0, **LIMITS}
            yield Statistic("adjusted mean", 15.0 + place, arm=arm.code, **common)
            if place:
                yield Statistic("adjusted mean difference", 1.0, contrast=f"{arm.code} - UC", **common)


def _grid():
    for own in (0, -4):
        for other in (0, 2):
            at = f"ONLINE {own:+g}, UC {other:+g}"
            yield Statistic(
                "delta-adjusted difference", 1.0, contrast="ONLINE - UC", visit="m9", at=at, **LIMITS
            )


def _spreads():
    for arm in ARMS:
        for visit in VISITS:
            yield Statistic("count", 9.0, n=9, arm=arm.code, visit=visit.code, at="0 to 10")


def _patterns():
    for arm in ARMS:
        yield Statistic("count", 9.0, arm=arm.code, at="XXXXX")
        yield Statistic("percent", 100.0, arm=arm.code, at="XXXXX")


RESULTS = results_table(
    [
        *_rows("primary", *_means()),
        *_rows("tipping_point", *_grid()),
        *_rows("distribution", *_spreads()),
        *_rows("missing patterns", *_patterns()),
        *_rows("recruitment", Statistic("count", 60.0, at="2024-03"), outcome="randomised"),
        *_rows("recruitment by site", *(Statistic("count", 30.0, at=s.code) for s in SITES), outcome="randomised"),
    ]
)  # fmt: skip
FIGURES = {
    "means": adjusted_means_figure,
    "differences": differences_figure,
    "distribution": distribution_figure,
    "missing": missing_patterns_figure,
    "recruitment": recruitment_figure,
    "tipping": tipping_figures,
}


@pytest.fixture
def drawn(monkeypatch):
    """Return a function: the figures that are made of results and trial, before they become pictures."""
    kept = []
    real = look.picture

    def keep(figure, *words):
        kept.append(figure)
        return real(figure, *words)

    monkeypatch.setattr(look, "picture", keep)

    def draw(name, trial, results=RESULTS):
        kept.clear()
        FIGURES[name](results, trial)
        return list(kept)

    return draw


def _texts(figure):
    """Return each text that is shown with its frame in dots."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    renderer = FigureCanvasAgg(figure).get_renderer()
    beyond = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in _beyond(axis)}
    shown = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible() and t not in beyond]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in shown]


def _beyond(axis):
    """Yield the labels of ticks beyond an axis' ends, which are not drawn."""
    low, high = sorted(axis.get_view_interval())
    for tick in axis.get_major_ticks():
        if not low <= tick.get_loc() <= high:
            yield tick.label1


@pytest.mark.parametrize("name", FIGURES)
def test_no_word_of_a_figure_is_cut_off_at_its_edge(name, drawn):
    """Arms are called what a trial calls them; the name of one once ended in the middle of a word."""
    figures = drawn(name, CROWDED)
    assert figures
    for figure in figures:
        outside = [text for text, frame in _texts(figure) if not _holds(figure.bbox, frame)]
        assert outside == []


def _holds(whole, frame):
    return frame.x0 >= -1 and frame.y0 >= -1 and frame.x1 <= whole.x1 + 1 and frame.y1 <= whole.y1 + 1


@pytest.mark.parametrize("name", ["means", "differences"])
@pytest.mark.parametrize(
    "trial", [CROWDED, of_visits(31), of_visits(13, "{} months after the last of the sessions")]
)
def test_names_of_visits_stand_apart(name, trial, drawn):
    """Weeks 1, 2, 4 and 52 were written over each other: a letter's height, at least, lies between two of them."""
    (figure,) = drawn(name, trial, results_table(_rows("primary", *_means(trial.visits))))
    axes = figure.axes[0]
    labels = axes.get_xticklabels()
    assert len(labels) > 2
    assert {label.get_rotation() for label in labels} == {visits.ANGLE}
    at = [axes.transData.transform((tick, 0))[0] / figure.dpi for tick in axes.get_xticks()]
    apart = min(b - a for a, b in pairwise(at)) * math.sin(math.radians(visits.ANGLE))
    assert apart >= look.SIZE / 72
    assert any("(primary)" in label.get_text() for label in labels)


def test_names_that_have_room_stay_where_their_visits_are():
    """The demonstration's visits do not touch."""
    assert visits.spread([0.0, 3.0, 6.0], 1.0, -1.0, 7.0) == [0.0, 3.0, 6.0]


def test_names_without_room_move_as_little_as_it_takes():
    """A name at either end must not leave the figure."""
    assert visits.spread([0.0, 0.5, 1.0, 12.0], 1.0, -1.0, 13.0) == [0.0, 1.0, 2.0, 12.0]
    assert visits.spread([10.0, 11.5, 12.0], 1.0, 0.0, 12.0) == [10.0, 11.0, 12.0]


def test_arms_do_not_come_among_those_of_the_next_visit():
    """A marker that stands nearer to another visit is read there."""
    n = len(ARMS)
    at = [visits.beside(month, i, n, CROWDED) for month in WEEKS.values() for i in range(n)]
    assert at == sorted(at)


def test_a_legend_takes_as_many_columns_as_there_is_room_for():
    """Short names stay in one line; long ones are broken, and the room they take is told."""
    short, long = look.entries(["Usual care", "Therapy"], 6.9), look.entries([LONG, f"{LONG}s"], 6.9)
    assert (short.labels, short.columns, short.height) == (("Usual care", "Therapy"), 2, look.ENTRY)
    assert long.columns == 1
    assert long.height == pytest.approx(2 * look.ENTRY + 2 * look.LINE)
    assert all(
        look.text_width(line, look.SIZE) <= 6.9 - look.BESIDE_LABEL
        for label in long.labels
        for line in label.split("\n")
    )


def test_a_legend_of_nothing_takes_no_room():
    """A figure of which every verdict failed has nothing to name."""
    assert look.entries([], 6.9) == look.Entries((), 1, 0.0)


def test_a_shortened_text_says_so_and_fits():
    """Who sees an ellipsis looks the name up."""
    assert look.elided("Bristol", 2.0, 9) == "Bristol"
    short = look.elided(LONG, 2.0, 9)
    assert short.endswith("…")
    assert look.text_width(short, 9) <= 2.0
    assert LONG.startswith(short[:-1])
    lines = look.wrapped(LONG, 2.0, 9, most=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert look.wrapped("Two words", 2.0, 9, most=2) == ("Two words",)


def test_names_of_many_visits_are_written_upwards_over_the_patterns(drawn):
    """A visit's column is then narrower than a word, which was broken into single letters."""
    many = of_visits(13)
    rows = [Statistic(s, 9.0, arm=a.code, at="X" * 13) for a in ARMS for s in ("count", "percent")]
    (figure,) = drawn("missing", many, results_table(_rows("missing patterns", *rows)))
    names = [text for text in figure.axes[0].texts if text.get_text().endswith("months")]
    assert len(names) == 12
    assert {text.get_rotation() for text in names} == {90.0}
    assert not missing_patterns._are_upright(DEMO)


def test_axes_of_a_panel_and_of_a_chart_are_bare_in_one_way():
    """Two functions did the same; what one of them changed the other did not."""
    _, (panel,) = panels.in_a_row(4, 3, (1.0,), panels.Around(0.5, 0.5, 0.5, ()), ())
    _, chart = look.blank(4, 3)
    for axes in (panel, chart):
        assert [name for name, spine in axes.spines.items() if spine.get_visible()] == ["bottom"]
        assert axes.get_axisbelow()
