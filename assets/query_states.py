"""How many queries are open, answered and resolved, for the report. Not here: their lives (query_life)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from data_contracts.query_life import WAITING
from data_contracts.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

STATES: Mapping[str, tuple[str, ...]] = {  # as the report says it -> statuses of the query book
    "open": WAITING,
    "answered": ("answered",),
    "resolved": ("resolved",),
}
COLUMNS = ("form", "severity", "state", "n", "oldest_days")


def query_states(queries: Tables) -> "pd.DataFrame":
    """Return a row per form, severity and state.

    Args:
        queries: The hop's table, with the fact `standing`; tables older than it tell the night's own queries alone.

    Returns:
        (n, 5) form, severity, state, n, and of open queries for how many whole days the oldest has waited.
    """
    import pandas as pd

    standing = queries.facts.get("standing")
    rows = list(_rows(_of_night(queries.frames["queries"]) if standing is None else standing))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "int64", "oldest_days": "float64"})


def _rows(standing: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, int, float | None]]:
    for one in standing:
        for state, statuses in STATES.items():
            oldest = one.get("oldest_days") if state == "open" else None
            yield one["form"], one["severity"], state, sum(int(one.get(s, 0)) for s in statuses), oldest


def _of_night(queries: "pd.DataFrame") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for (form, severity), own in queries.groupby(["form", "severity"], observed=True):
        waits = own.loc[own["status"].isin(WAITING), "age_days"]
        oldest = int(waits.max()) if len(waits) else None
        found.append(
            {"form": form, "severity": severity, "oldest_days": oldest, **own["status"].value_counts()}
        )
    return found
