"""The nights as a picture: open queries by severity, records accepted and set aside. Not here: this night alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.reporting.figures import look
from analysis.reporting.validation.content import SEVERITIES, ValidationContent
from analysis.reporting.validation.words import counted
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "nights"
TITLE = "Open queries by severity, and records accepted and set aside, night by night"
BEGINS = (
    "The trend begins with this night: from the next one on, a figure here shows what becomes of the queries."
)
MOST_MARKED = 45  # nights; of more, markers would run into each other
STYLES = {"critical": look.style(2), "warning": look.style(1), "info": look.style(0)}
RECORDS = {"accepted": look.style(3), "quarantined": look.style(4)}
LABELS = {"accepted": "Records accepted", "quarantined": "Records set aside"}


@dataclass(frozen=True, slots=True, eq=False)
class Nights:
    """One point a day, the day's last night.

    A night whose data were withheld has no counts: what a broken delivery asks says nothing of the data, and would
    dwarf every other night.
    """

    days: np.ndarray  # (n,) datetime64[D], where the trial is
    withheld: np.ndarray  # (n,) bool
    queries: Mapping[str, np.ndarray]  # severity -> (n,) open queries, NaN where withheld
    records: Mapping[str, np.ndarray]  # accepted, quarantined -> (n,), NaN where withheld

    @property
    def has_trend(self) -> bool:
        """Return whether there is more than one night to show."""
        return int((~self.withheld).sum()) > 1


def nights_of(content: ValidationContent) -> Nights:
    """Return the nights as the figure shows them."""
    nights, zone = (
        content.nights.sort_values("time", kind="stable"),
        content.zone,
    )  # a clock may have been set back
    days = nights["time"].dt.tz_convert(zone).dt.date
    last = nights[~days.duplicated(keep="last")]
    trend = content.history["trend"].pivot_table(
        index="time", columns="severity", values="unresolved", aggfunc="last"
    )
    shown = trend.reindex(index=last["time"], columns=list(SEVERITIES)).fillna(0)
    withheld = last["withheld"].to_numpy(dtype=bool)
    return Nights(
        days=days[last.index].to_numpy(dtype="datetime64[D]"),
        withheld=withheld,
        queries={name: np.where(withheld, np.nan, shown[name]) for name in SEVERITIES},
        records={name: np.where(withheld, np.nan, last[name].astype("float64")) for name in RECORDS},
    )


def trend_figure(nights: Nights, trial: Trial) -> str:
    """Return the figure as SVG; empty while there are not two nights to join."""
    if not nights.has_trend:
        return ""
    return look.picture(_draw(nights), NAME, f"{TITLE}: {trial.title}", trend_in_words(nights)).svg


def trend_in_words(nights: Nights) -> str:
    """Return what the figure shows, its first and last night and its highest."""
    if not nights.has_trend:
        return BEGINS
    shown = ~nights.withheld
    span = f"{counted(len(nights.days), 'night')} from {nights.days[0]} to {nights.days[-1]}."
    queries = [_course(f"Open {name} queries", n[shown]) for name, n in nights.queries.items()]
    records = [_course(LABELS[name], n[shown]) for name, n in nights.records.items()]
    n_withheld = int(nights.withheld.sum())
    cross = f"{counted(n_withheld, 'night', 'nights')} withheld: marked by a cross, without counts."
    return " ".join([span, *queries, *records, *([cross] if n_withheld else [])])


def _course(what: str, values: np.ndarray) -> str:
    return f"{what}: {_whole(values[0])} at first, {_whole(values.max())} at most, {_whole(values[-1])} now."


def _draw(nights: Nights) -> "Figure":
    import matplotlib as mpl
    from matplotlib.ticker import MaxNLocator

    with mpl.rc_context(look.RC):
        figure, panels = look.panels(7.4, 5.6, (2.0, 1.0, 1.0))
        figure.set_layout_engine(None)  # to measure each text costs as much as to draw it
        figure.subplots_adjust(left=0.085, right=0.985, top=0.93, bottom=0.075, hspace=0.42)
        for name, values in nights.queries.items():
            _line(panels[0], nights, values, STYLES[name], name.capitalize())
        _title(panels[0], "Open queries")
        for axes, (name, values) in zip(panels[1:], nights.records.items(), strict=True):
            _line(axes, nights, values, RECORDS[name], LABELS[name])
            _title(axes, LABELS[name])
        _mark_withheld(panels[0], nights)
        for axes in (panels[0], panels[2]):
            axes.set_ylim(bottom=0)
        for axes, n_ticks in zip(panels, (6, 3, 3), strict=True):
            axes.yaxis.set_major_locator(MaxNLocator(n_ticks, integer=True, min_n_ticks=2))
            axes.yaxis.set_major_formatter("{x:,.0f}")
        _legend(panels[0])
        _dates(panels[-1])
    return figure


def _line(axes: "Axes", nights: Nights, values: np.ndarray, style: look.Style, label: str) -> None:
    is_marked, shown = len(nights.days) <= MOST_MARKED, ~nights.withheld
    axes.plot(
        nights.days[shown], values[shown], color=style.colour, linestyle=style.dashes, linewidth=1.7, label=label,
        marker=style.marker if is_marked else "", markersize=5, markeredgewidth=1.3,
        markerfacecolor=style.colour if style.is_filled else look.PAPER, clip_on=False,
    )  # fmt: skip
    axes.margins(x=0.02, y=0.2)


def _mark_withheld(axes: "Axes", nights: Nights) -> None:
    """Mark the nights whose data were withheld at the foot of a panel."""
    at = nights.days[nights.withheld]
    if len(at):
        axes.plot(
            at, [0.03] * len(at), linestyle="none", marker="x", markersize=6, markeredgewidth=1.8,
            color=look.INK, transform=axes.get_xaxis_transform(), label="Night withheld", clip_on=False,
        )  # fmt: skip


def _title(axes: "Axes", text: str) -> None:
    axes.set_title(text, loc="left", color=look.INK, fontsize=10.5, pad=8)


def _legend(axes: "Axes") -> None:
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.01, 1.0), ncols=4, frameon=False, labelcolor=look.INK,
        handlelength=2.8, borderaxespad=0.2, columnspacing=1.6, fontsize=9.5,
    )  # fmt: skip


def _dates(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8, interval_multiples=True)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _whole(value: float) -> str:
    return f"{value:,.0f}"
