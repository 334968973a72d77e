"""Queries as a person reads them in a terminal, within 100 columns. Not here: choosing them (queries)."""

from typing import TYPE_CHECKING, Any

from pipelines.cli.output import grid, plain_table, put, say

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

STYLES = {"critical": "bold red", "warning": "bold yellow", "info": "bold blue"}
WIDEST = {  # with two blanks between them, 99 columns
    "id": 12,
    "participant": 11,
    "visit": 8,
    "site": 10,
    "field": 15,
    "value": 13,
    "status": 8,
    "days": 8,
}
SOURCE = {"id": "query_id", "days": "age_days"}
SHOWN_TEXT = 300  # characters of an answer or a note in a list


def show_list(queries: "pd.DataFrame") -> None:
    """Print queries, a table for each question, the gravest first."""
    headers = _headers(queries)
    for (severity, form, message), group in queries.groupby(["severity", "form", "message"], sort=False):
        _head(str(severity), str(form), str(message), len(group))
        put(_table(group, headers))
        _said(group)


def show_one(query: "pd.Series[Any]") -> None:
    """Print all that is known of one query."""
    _head(query["severity"], query["form"], query["message"], 1)
    about = ("query_id", "status", "participant", "visit", "site", "field", "value", "row")
    life = ("answer", "note", "owner", "first_seen", "last_seen", "age_days", "rule")
    rows = [(_label(name), _plain(query[name])) for name in (*about, *life) if _plain(query[name])]
    say()
    put(grid(rows))
    say(f"\n`srt queries history TRIAL {query['query_id']}` tells what befell it.", "dim")


def show_history(events: "pd.DataFrame") -> None:
    """Print what befell a query, oldest first."""
    from rich.text import Text

    table = plain_table("when (UTC)", "who", "what", "status", "note", unbroken=("when (UTC)", "status"))
    for event in events.itertuples():
        steps = [one for one in (event.from_status, event.to_status) if one]
        status = " → ".join(dict.fromkeys(steps))
        cells = (f"{event.time:%Y-%m-%d %H:%M}", event.who, event.what, status, event.note)
        table.add_row(*(Text(str(cell)) for cell in cells))
    put(table)


def _head(severity: str, form: str, message: str, n: int) -> None:
    from rich.text import Text

    head = Text()
    head.append(severity.upper(), style=STYLES.get(severity, "bold"))
    head.append(f"  {form}  ", style="bold")
    head.append(f"({n})" if n > 1 else "", style="dim")
    say()
    put(head)
    put(Text(message))


def _headers(queries: "pd.DataFrame") -> tuple[str, ...]:
    """Return the columns that say something in at least one row."""
    useful = [name for name in WIDEST if name in {"id", "status", "days"} or _any(queries, name)]
    return tuple(useful)


def _any(queries: "pd.DataFrame", name: str) -> bool:
    return bool((queries[SOURCE.get(name, name)] != "").any())


def _table(queries: "pd.DataFrame", headers: tuple[str, ...]) -> "Table":
    from rich.text import Text

    table = plain_table(*headers, right=("days",), unbroken=("id", "status", "days"))
    for column, header in zip(table.columns, headers, strict=True):
        column.min_width = column.max_width = WIDEST[header]
    for query in queries.to_dict("records"):
        late = bool(query["overdue"])
        cells = [_cell(query, header) for header in headers]
        styles = ["red" if late and header == "days" else "" for header in headers]
        table.add_row(*(Text(cell, style=style) for cell, style in zip(cells, styles, strict=True)))
    return table


def _cell(query: dict[str, Any], header: str) -> str:
    if header == "days":
        return f"{query['age_days']}{' late' if query['overdue'] else ''}"
    return _printable(str(query[SOURCE.get(header, header)]))


def _said(queries: "pd.DataFrame") -> None:
    """Print answers and notes below their table."""
    rows = [
        (query["query_id"], f"{kind}: {_short(query[kind])}")
        for query in queries.to_dict("records")
        for kind in ("answer", "note")
        if query[kind]
    ]
    if rows:
        put(grid(rows))


def _short(text: str) -> str:
    return _printable(text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]} …")


def _printable(text: str) -> str:
    """Return text that can't move the cursor or ring: values come from files."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _label(name: str) -> str:
    return {"query_id": "id", "age_days": "days", "first_seen": "first seen", "last_seen": "last seen"}.get(
        name, name
    )


def _plain(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return ""
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, pd.Timestamp) else _printable(str(value))
