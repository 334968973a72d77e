"""What a materialisation shows in Dagster: counts, hashes, tables, links. Never a participant's value."""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 50


def table(frame: "pd.DataFrame") -> dg.MarkdownMetadataValue:
    """Return the first 50 rows as a Markdown table; for counts and statistics only."""
    head = frame.head(MOST_ROWS)
    return rows(head.columns, head.itertuples(index=False), left_out=len(frame) - len(head))


def rows(
    header: Iterable[str], records: Iterable[Iterable[Any]], left_out: int = 0
) -> dg.MarkdownMetadataValue:
    """Return a Markdown table."""
    names = [str(name) for name in header]
    lines = [
        _line(names),
        _line(["---"] * len(names)),
        *(_line([_cell(v) for v in record]) for record in records),
    ]
    note = f"\n\n{left_out} more rows are not shown." if left_out > 0 else ""
    return dg.MetadataValue.md("\n".join(lines) + note)


def picture(png: bytes, caption: str) -> dg.MarkdownMetadataValue:
    """Return a figure that stands inside the metadata itself; a sentence when there is none."""
    if not png:
        return dg.MetadataValue.md(f"{caption}: no picture, since nothing could be estimated.")
    return dg.MetadataValue.md(f"![{caption}](data:image/png;base64,{base64.b64encode(png).decode()})")


def link(path: Path) -> dg.UrlMetadataValue:
    """Return a link to a page on this machine."""
    return dg.MetadataValue.url(path.resolve().as_uri())


def count(number: int) -> Mapping[str, Any]:
    """Return the row count under the name by which Dagster draws it over time."""
    return {"dagster/row_count": int(number)}


def hashes(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the hashes among a hop's facts, whose arms it has, and what differs from the trial's lock."""
    names = ("data_hash", "plan_hash", "code_version", "allocation")
    differs = facts.get("lock", {}).get("differs")
    not_as_locked = {"NOT AS LOCKED": ", ".join(differs)} if differs else {}
    return {**{name: str(facts[name]) for name in names if name in facts}, **not_as_locked}


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"  # noqa: PLR0124 - NaN is the one value unlike itself
    return str(value).replace("|", "\\|").replace("\n", " ")
