"""How the primary outcome is spread, by visit and arm or over all arms. Not here: counting it (estimators)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.estimators.baseline import OBSERVED
from analysis.estimators.distribution import ABOVE, BELOW, DISTRIBUTION, TO
from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, arm_label, estimates
from analysis.reporting.figures import look, panels
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from data_contracts.spec import Trial, Visit
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME, WIDTH = "distribution", 7.4  # inches
BESIDE = 0.26  # of the longest bar: the strip in which median and quartiles stand
THICK = 0.9  # of a bin: so that bars next to each other stay apart
HIDDEN = "too few to be shown"
SUMMARY = ("median", "lower quartile", "upper quartile", "observed sd", "count")


@dataclass(frozen=True, slots=True)
class Spread:
    """One arm at one visit: shares in bins, and the middle of them; all arms together under no arm."""

    visit: str
    arm: str
    bins: tuple[tuple[float, float, float], ...]  # lower, upper, percent; NaN where it is hidden
    summary: Mapping[str, Estimate]

    @property
    def hidden(self) -> tuple[float, ...]:
        """Return the middles of the bins whose counts may not be shown."""
        return tuple((lower + upper) / 2 for lower, upper, share in self.bins if math.isnan(share))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an arm's bars begin in a panel, and which way they go."""

    position: int
    base: float
    direction: int


def distribution_figure(results: pd.DataFrame, trial: Trial, *, pooled: bool = False) -> tuple[Picture, ...]:
    """Return the figure of the primary outcome; none where nothing was counted.

    Args:
        results: The results table; a bin without a number, such as one that was suppressed, is marked as hidden.
        trial: The trial.
        pooled: Over all arms; nothing of an arm is then read.
    """
    arms = ("",) if pooled else tuple(arm.code for arm in trial.ordered_arms)
    spreads = _spreads(results, trial, arms)
    if not spreads:
        return ()
    shuffled = is_shuffled(results) and not pooled
    said = marked(" ".join(_said(s, trial) for s in spreads), SHUFFLED if shuffled else "")
    figure = _draw(spreads, trial, arms, shuffled=shuffled)
    name = f"{NAME}-pooled" if pooled else NAME
    return (look.picture(figure, name, distribution_title(trial, pooled=pooled), said),)


def distribution_title(trial: Trial, *, pooled: bool = False) -> str:
    """Return what the figure shows, in a line."""
    by = "by visit, all arms together" if pooled else "by arm and visit"
    label = trial.outcomes[trial.primary.outcome].label
    return f"{label}: distribution as observed, {by}, with median and quartiles"


def _spreads(results: pd.DataFrame, trial: Trial, arms: Sequence[str]) -> list[Spread]:
    outcome = trial.primary.outcome
    counts: dict[tuple[str, str], list[Estimate]] = {}
    for one in estimates(results, analysis=DISTRIBUTION, outcome=outcome, statistic="count"):
        if one.n:
            counts.setdefault((one.visit, one.arm), []).append(one)
    observed = {
        (e.visit, e.arm, e.statistic): e for e in estimates(results, analysis=OBSERVED, outcome=outcome)
    }
    found = []
    for visit in trial.visits:
        for arm in arms:
            rows = counts.get((visit.code, arm), [])
            if not all(math.isnan(one.value) for one in rows):
                keys = ((name, observed.get((visit.code, arm, name))) for name in SUMMARY)
                summary = {name: e for name, e in keys if e is not None and not math.isnan(e.value)}
                found.append(Spread(visit.code, arm, tuple(_bins(rows)), summary))
    return found


def _bins(counted: Sequence[Estimate]) -> Iterator[tuple[float, float, float]]:
    """Yield lower and upper limit and percent; a bin without an end is drawn as wide as the narrowest that has both."""
    limits = [_limits(one.at) for one in counted]
    widths = [upper - lower for lower, upper in limits if math.isfinite(upper - lower)]
    inner = [edge for pair in limits for edge in pair if math.isfinite(edge)]
    width = min(widths, default=max(map(abs, inner), default=0.0) / 10 or 1.0)
    for one, (lower, upper) in zip(counted, limits, strict=True):
        low = lower if math.isfinite(lower) else upper - width
        yield low, upper if math.isfinite(upper) else lower + width, 100 * one.value / (one.n or 1)


def _limits(at: str) -> tuple[float, float]:
    """Return the limits of a bin such as "10 to 20", "below 10" and "20 or more"."""
    if at.startswith(BELOW):
        return -math.inf, float(at.removeprefix(BELOW))
    if at.endswith(ABOVE):
        return float(at.removesuffix(ABOVE)), math.inf
    lower, _, upper = at.partition(TO)
    return float(lower), float(upper)


def _said(spread: Spread, trial: Trial) -> str:
    """Return a panel's arm in words: median, quartiles, how many."""
    visit = next(v.label for v in trial.visits if v.code == spread.visit)
    who = f"{visit}, {arm_label(spread.arm, trial) if spread.arm else 'all arms together'}"
    hidden = f" {len(spread.hidden)} bins {HIDDEN}." if spread.hidden else ""
    if any(name not in spread.summary for name in SUMMARY):
        return f"{who}: too few to summarise.{hidden}"
    sd = spread.summary["observed sd"].value
    median, lower, upper = (spread.summary[name].value for name in SUMMARY[:3])
    decimals, n = numbers.decimals_for(sd), numbers.number(spread.summary["count"].value, 0)
    middle = f"{numbers.number(median, decimals)} {numbers.interval(lower, upper, decimals)}"
    return f"{who}: median and quartiles {middle}, n = {n}.{hidden}"


def _draw(spreads: list[Spread], trial: Trial, arms: Sequence[str], *, shuffled: bool) -> "Figure":
    import matplotlib as mpl

    shown = [visit for visit in trial.visits if any(s.visit == visit.code for s in spreads)]
    longest = _longest(spreads)
    places = {arm: _place(i, len(arms), longest) for i, arm in enumerate(arms)}
    room = (WIDTH - 0.7) / len(shown)
    titles = [_title(v, [s for s in spreads if s.visit == v.code], trial, room) for v in shown]
    scale = _scale(trial)
    with mpl.rc_context(look.RC):
        handles = _handles(trial, arms, some_hidden=any(s.hidden for s in spreads))
        legend = look.entries([str(handle.get_label()) for handle in handles], WIDTH)
        around = _around(spreads, len(scale), max(map(len, titles)), legend.height, len(shown))
        figure, every = panels.in_a_row(WIDTH, 3.9, (1.0,) * len(shown), around, range(len(shown)))
        for axes, visit, lines in zip(every, shown, titles, strict=True):
            own = [s for s in spreads if s.visit == visit.code]
            for spread in own:
                _draw_arm(axes, spread, places[spread.arm], longest)
            panels.title(axes, "\n".join(lines))
            _label(axes, own, list(places.values()), longest, room)
        every[0].set_ylabel("\n".join(scale), color=look.INK)
        _legend(figure, handles, legend)
        if shuffled:
            panels.mark_all(figure, MARK)
    return figure


def _longest(spreads: list[Spread]) -> float:
    """Return the longest bar, in percent."""
    return max(share for spread in spreads for _, _, share in spread.bins if share > 0)


def _place(position: int, count: int, longest: float) -> Place:
    """Return where an arm stands: two arms back to back, others side by side."""
    beside = BESIDE * longest
    if count == 2:
        direction = 2 * position - 1
        return Place(position, direction * beside, direction)
    return Place(position, beside + position * (longest + 2 * beside), 1)


def _colours(arm: str, position: int) -> tuple[str, str, str, str]:
    """Return a bar's face and edge, and the colour and marker of its median: no arm has no arm's colour."""
    if not arm:
        return look.FAINT, look.FAINT, look.INK, "o"
    style = look.style(position)
    return style.colour if style.is_filled else look.BAND, style.colour, style.colour, style.marker


def _draw_arm(axes: "Axes", spread: Spread, place: Place, longest: float) -> None:
    face, edge, ink, marker = _colours(spread.arm, place.position)
    full = [one for one in spread.bins if one[2] > 0]
    axes.axvline(place.base, color=edge, linewidth=0.9, zorder=2)
    axes.barh(
        [(lower + upper) / 2 for lower, upper, _ in full], [place.direction * share for _, _, share in full],
        [THICK * (upper - lower) for lower, upper, _ in full], place.base, facecolor=face, edgecolor=edge,
        linewidth=0.9, zorder=1.5,
    )  # fmt: skip
    at = place.base + place.direction * 0.06 * longest
    axes.plot(
        [at] * len(spread.hidden), spread.hidden, linestyle="none", marker="x", color=look.INK, markersize=3.5
    )
    if all(name in spread.summary for name in SUMMARY[:3]):
        median, first, third = (spread.summary[name].value for name in SUMMARY[:3])
        at = place.base - place.direction * 0.55 * BESIDE * longest
        axes.plot([at, at], [first, third], color=ink, linewidth=1.6, solid_capstyle="butt", zorder=3)
        axes.plot(
            [at], [median], color=ink, marker=marker, markersize=4.2, markeredgewidth=1.2, zorder=4,
            markerfacecolor=ink if not spread.arm or look.style(place.position).is_filled else look.PAPER,
        )  # fmt: skip


def _scale(trial: Trial) -> tuple[str, ...]:
    outcome = trial.outcomes[trial.primary.outcome]
    return look.wrapped(f"{outcome.label}{f', {outcome.unit}' if outcome.unit else ''}", 2.6, 10.5)


def _title(visit: Visit, own: list[Spread], trial: Trial, room: float) -> tuple[str, ...]:
    """Return a panel's title in lines: its visit, and how many there are of each arm."""
    counts = [s.summary["count"].value for s in own if "count" in s.summary]
    n = f"n = {', '.join(numbers.number(count, 0) for count in counts)}" if counts else ""
    primary = " (primary)" if visit.code == trial.primary.visit else ""
    named = look.wrapped(f"{visit.label}{primary}", room, panels.SMALL)
    return (*named, *look.wrapped(n, room, panels.SMALL))


def _around(spreads: list[Spread], n_scale: int, n_title: int, legend: float, n_panels: int) -> panels.Around:
    """Return what the lines of labels and titles take, and the legend in inches."""
    longest = max((f"{edge:g}" for s in spreads for bin_ in s.bins for edge in bin_[:2]), key=len)
    left = 0.16 + 0.19 * n_scale + look.text_width(longest, panels.SMALL)
    top = 0.13 + legend + 0.155 * n_title
    last = f"{_round_share(_longest(spreads)):g}%"
    right = max(0.14, look.text_width(last, panels.SMALL) / 2)
    return panels.Around(left=left, bottom=0.28, top=top, gaps=(0.1,) * (n_panels - 1), right=right)


def _label(axes: "Axes", own: list[Spread], places: list[Place], longest: float, room: float) -> None:
    share = _round_share(longest)
    ticks = [place.base + place.direction * share for place in places]
    size = min(
        panels.SMALL, 0.32 * 72 * room / len(ticks)
    )  # points; two figures and a sign are twice as wide
    axes.set_xticks(ticks, [f"{share:g}%"] * len(ticks), fontsize=size)
    axes.vlines(ticks, 0, 0.02, transform=axes.get_xaxis_transform(), color=look.FAINT, linewidth=0.9)
    ends = [place.base + place.direction * 1.04 * longest for place in places]
    beside = BESIDE * longest
    axes.set_xlim(min(*ends, places[0].base - beside), max(*ends, 0.0))
    edges = [edge for s in own for lower, upper, _ in s.bins for edge in (lower, upper)]
    margin = 0.03 * (max(edges) - min(edges))
    axes.set_ylim(min(edges) - margin, max(edges) + margin)


def _round_share(longest: float) -> float:
    """Return the largest round percentage that the longest bar reaches."""
    return max((step for step in (1, 2, 5, 10, 20, 25, 50, 75, 100) if step <= longest), default=1)


def _handles(trial: Trial, arms: Sequence[str], *, some_hidden: bool) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for position, arm in enumerate(arms):
        face, edge, _, _ = _colours(arm, position)
        label = arm_label(arm, trial) if arm else "all arms together"
        handles.append(Patch(facecolor=face, edgecolor=edge, label=label))
    middle: dict[str, Any] = {"color": look.INK, "marker": "o", "markersize": 5, "linewidth": 1.6}
    hidden: dict[str, Any] = {"color": look.INK, "marker": "x", "markersize": 3.5, "linestyle": "none"}
    handles.append(Line2D([], [], label="median, quartiles", **middle))
    return [*handles, Line2D([], [], label=HIDDEN, **hidden)] if some_hidden else handles


def _legend(figure: "Figure", handles: list[Any], made: look.Entries) -> None:
    figure.legend(
        handles=handles, labels=made.labels, loc="upper left", bbox_to_anchor=(0.0, 1.0), ncols=made.columns,
        frameon=False, labelcolor=look.INK, borderaxespad=0.2, columnspacing=2.0,
    )  # fmt: skip
