"""Recruitment against its plan, month by month and by site. Not here: counting (estimators), screening (consort)."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from analysis.estimators.recruitment import BY_SITE, RECRUITMENT
from analysis.reporting.estimates import estimates
from analysis.reporting.figures import look
from analysis.reporting.report import Picture
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "recruitment-course"
TITLE = "Participants randomised, against the plan"
HEIGHT, HEAD, FOOT, WIDTH, BESIDE = 3.4, 0.45, 0.42, 7.8, 2.45  # inches; beside the course are the sites
MOST_TICKS, SMALL = 6, 9.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Course:
    """How recruitment went; months are counted from the year 0, so that they can be drawn."""

    months: tuple[int, ...]  # the first to the last
    in_all: tuple[int, ...]  # randomised by the end of each
    sites: tuple[tuple[str, int, int | None], ...]  # label, randomised, target
    target: int | None  # of all sites; None unless each has one
    planned: tuple[float, float] | None  # when recruitment begins and ends
    is_joined: bool = False  # a month may hold those before it: the first is not when recruitment began


def recruitment_figure(results: pd.DataFrame, trial: Trial, *, joined: bool = False) -> tuple[Picture, ...]:
    """Return the figure; none where no date of randomisation is known.

    Args:
        results: Rows of the results table.
        trial: The trial.
        joined: Whether a month with few is counted with the next one, so that the first row begins nowhere.
    """
    course = replace(_course(results, trial), is_joined=joined)
    if not course.months:
        return ()
    return (look.picture(_draw(course), NAME, TITLE, _said(course)),)


def _course(results: pd.DataFrame, trial: Trial) -> Course:
    rows = list(estimates(results, analysis=RECRUITMENT, statistic="count"))
    so_far = [int(n) for n in pd.Series([row.value for row in rows], dtype="float64").cumsum()]
    by_site = {row.at: int(row.value) for row in estimates(results, analysis=BY_SITE, statistic="count")}
    targets = [site.target for site in trial.sites]
    whole = sum(t for t in targets if t is not None) if targets and None not in targets else None
    plan = trial.recruitment
    times = (_time(plan.begins), _time(plan.ends)) if plan.begins and plan.ends else None
    return Course(
        months=tuple(_month(row.at) for row in rows),
        in_all=tuple(so_far),
        sites=tuple((s.label, by_site[s.code], s.target) for s in trial.sites if s.code in by_site),
        target=whole,
        planned=times,
    )


def _month(text: str) -> int:
    year, month = text.split("-")
    return 12 * int(year) + int(month) - 1


def _time(day: date) -> float:
    """Return a day as months since the year 0; a month is taken to have 31 days, so that none overlaps."""
    return 12 * day.year + day.month - 1 + (day.day - 1) / 31


def _named(time: float) -> str:
    year, month = divmod(int(time), 12)
    return f"{MONTHS[month]} {year}"


def _said(course: Course) -> str:
    """Return the figure in words."""
    first, last = _named(course.months[0]), _named(course.months[-1])
    when = f"by the end of {last}" if course.is_joined else f"from {first} to {last}"
    parts = [f"{course.in_all[-1]} participants were randomised, {when}."]
    if course.target is not None:
        when = f" from {_named(course.planned[0])} to {_named(course.planned[1])}" if course.planned else ""
        parts.append(f"The plan was {course.target}{when}.")
    by_site = [f"{label} {n}{f' of {target}' if target else ''}" for label, n, target in course.sites]
    return " ".join([*parts, *([f"By site: {', '.join(by_site)}."] if by_site else [])])


def _draw(course: Course) -> "Figure":
    import matplotlib as mpl

    has_sites = len(course.sites) > 1
    with mpl.rc_context(look.RC):
        figure, _ = look.sheet(WIDTH, HEIGHT)
        width = 4.4 if has_sites else WIDTH - 0.75
        axes = look.chart(figure, 0.5, FOOT, width, HEIGHT - HEAD - FOOT)
        _lines(axes, course)
        _months(axes, course)
        if has_sites:
            beside = look.chart(figure, 5.25, FOOT, BESIDE, HEIGHT - HEAD - FOOT)
            _sites(beside, course)
    return figure


def _lines(axes: "Axes", course: Course) -> None:
    if course.target is not None and course.planned:
        plan = look.STYLES[0]
        axes.plot(
            course.planned, (0, course.target), color=plan.colour, linestyle=plan.dashes, linewidth=1.6,
            label=f"Planned: {course.target}",
        )  # fmt: skip
    elif course.target is not None:
        axes.axhline(course.target, color=look.STYLES[0].colour, linestyle=look.STYLES[0].dashes, linewidth=1.6,
                     label=f"Planned: {course.target}")  # fmt: skip
    start = () if course.is_joined else ((course.months[0], 0),)
    ends = ((month + 1, n) for month, n in zip(course.months, course.in_all, strict=True))
    times, so_far = zip(*start, *ends, strict=True)
    axes.plot(
        times, so_far, color=look.STYLES[1].colour, linewidth=2.2, marker="s",
        markersize=3.5, label=f"Randomised: {course.in_all[-1]}",
    )  # fmt: skip
    axes.set_ylim(0, 1.08 * max(course.in_all[-1], course.target or 0))
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=2, frameon=False, handlelength=2.6, fontsize=SMALL + 0.5,
        borderaxespad=0.2, columnspacing=1.6,
    )  # fmt: skip


def _months(axes: "Axes", course: Course) -> None:
    """Mark the beginning of some months: of January, April, July and October, or fewer."""
    low, high = course.months[0], course.months[-1] + 1
    if course.planned:
        low, high = min(low, int(course.planned[0])), max(high, int(course.planned[1]) + 1)
    step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if (high - low) / s <= MOST_TICKS)
    ticks = list(range(-(-low // step) * step, high + 1, step))
    axes.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))
    axes.set_xticks(ticks, [_named(tick) for tick in ticks])
    axes.tick_params(axis="both", labelsize=SMALL)


def _sites(axes: "Axes", course: Course) -> None:
    """Draw a bar per site, and a stroke at its target."""
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    most = max([1, *(n for _, n, _ in course.sites), *(target or 0 for _, _, target in course.sites)])
    axes.set_xlim(0, 1.02 * most)
    axes.set_ylim(len(course.sites) - 0.35, -0.65)
    axes.set_title("By site, and its target", loc="left", fontsize=SMALL + 0.5, pad=10)
    for place, (label, n, target) in enumerate(course.sites):
        axes.barh(place + 0.1, n, height=0.28, color=look.STYLES[1].colour)
        if target:
            axes.plot(
                (target, target), (place - 0.12, place + 0.32), color=look.INK, linewidth=2.0, clip_on=False
            )
        of = f": {n}{f' of {target}' if target else ''}"
        name = look.elided(label, BESIDE - look.text_width(of, SMALL), SMALL)
        axes.text(0, place - 0.16, f"{name}{of}", fontsize=SMALL, va="bottom")
