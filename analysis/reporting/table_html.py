"""A table as HTML, drawn by great_tables and dressed for our pages. Not here: what it says, how it looks (css).

great_tables lays the table out: stub, groups, ids, and the `headers` by which each cell names its headings. Its styles
are left behind; what it has no word for (caption, sources, merged cells, how a row or column stands) is put in after.
"""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from analysis.reporting.table import Cell, Group, Row, Table

if TYPE_CHECKING:
    from markupsafe import Markup

STUB, GROUP = "c0", "group"  # names of columns in what great_tables is given
PLACEHOLDER = "-"  # of a group without rows, which great_tables would not show
LONGEST_WHOLE = 24  # characters of an interval such as (-0.004 to 0.071)
Shown = dict[str, str]  # a cell's place -> what stands in it, as HTML


def table_html(table: Table) -> "Markup":
    """Return a table with its caption and notes; the same table gives the same bytes."""
    from markupsafe import Markup

    return Markup(_empty(table) if table.is_empty else _whole(table))  # noqa: S704 - escaped where it is made


def _empty(table: Table) -> str:
    return f'<p class="empty" id="{_escaped(table.name)}">{_escaped(table.empty)}</p>'


def _whole(table: Table) -> str:
    return (
        f'<div class="scroll" role="group" aria-labelledby="{_escaped(table.name)}-caption" tabindex="0">\n'
        f"{_dressed(_drawn(table), table)}\n</div>\n{_notes(table.notes)}"
    )


def _notes(notes: tuple[str, ...]) -> str:
    """Return notes as a list; one alone as a paragraph."""
    if len(notes) > 1:
        return f'<ul class="notes">{"".join(f"<li>{_escaped(note)}</li>" for note in notes)}</ul>'
    return f'<p class="notes">{_escaped(notes[0])}</p>' if notes else ""


def _drawn(table: Table) -> str:
    """Return the bare table as great_tables writes it."""
    from great_tables import GT, html

    shown = _shown(table)
    with (
        warnings.catch_warnings()
    ):  # it calls Arrow tables experimental; with pandas it takes four times as long
        warnings.filterwarnings("ignore", "PyArrow Table support", UserWarning)
        drawn = GT(_places(table), rowname_col=STUB, groupname_col=_group_column(table), id=table.name)
    first, *others = (html(_label(c.label, c.detail)) for c in table.columns)
    labels: dict[str, Any] = {f"c{i}": label for i, label in enumerate(others, start=1)}
    drawn = drawn.tab_stubhead(first).cols_label(labels).fmt(shown.__getitem__)
    whole = drawn.fmt(shown.__getitem__, columns=[STUB, *_headed(table)]).as_raw_html()
    return whole[whole.index("<table") : whole.rindex("</table>") + len("</table>")]


def _headed(table: Table) -> list[str]:
    return [GROUP] if len(table.groups) > 1 or any(group.label for group in table.groups) else []


def _group_column(table: Table) -> str | None:
    return next(iter(_headed(table)), None)


def _groups(table: Table) -> tuple[Group, ...]:
    return tuple(group for group in table.groups if group.rows or group.label)


def _rows(table: Table) -> Iterator[tuple[int, Row | None]]:
    """Yield each row with its group's position; None for a group that has but its heading."""
    for i, group in enumerate(_groups(table)):
        for row in group.rows or (None,):
            yield i, row


def _places(table: Table) -> Any:
    """Return what great_tables is given: in each cell the place that `_shown` says the content of."""
    import pyarrow as pa

    rows = list(_rows(table))
    columns = {
        f"c{i}": [PLACEHOLDER if row is None else f"{at}.{i}" for at, (_, row) in enumerate(rows)]
        for i in range(len(table.columns))
    }
    groups = {name: [f"g{position}" for position, _ in rows] for name in _headed(table)}
    return pa.table(groups | columns)


def _shown(table: Table) -> Shown:
    width = range(len(table.columns))
    shown = {f"g{i}": _escaped(group.label) for i, group in enumerate(_groups(table))} | {PLACEHOLDER: ""}
    for at, (_, row) in enumerate(_rows(table)):
        placed = {} if row is None else dict(row.placed())
        shown |= {f"{at}.{i}": _inside(placed[i]) if i in placed else "" for i in width}
    return shown


def _inside(cell: Cell) -> str:
    text = _escaped(cell.text)
    if cell.light:
        text = f'<span class="light {cell.light}">{text}</span>'
    elif cell.link:
        text = f'<a href="{_escaped(cell.link)}">{text}</a>'
    return f"{text} {_small(cell.detail)}" if cell.detail else text


def _small(detail: str) -> str:
    """Return what stands smaller; an interval and its like are not broken over lines."""
    is_whole = len(detail) <= LONGEST_WHOLE and any(c.isdigit() for c in detail)
    mark = ' class="whole"' if is_whole else ""
    return f"<small{mark}>{_escaped(detail)}</small>"


def _label(label: str, detail: str) -> str:
    return f"{_escaped(label)} <small>{_escaped(detail)}</small>" if detail else _escaped(label)


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


def _dressed(drawn: str, table: Table) -> str:
    from lxml import html  # type: ignore[import-untyped]

    tree = html.fragment_fromstring(drawn)
    tree.attrib.clear()
    tree.set("id", table.name)
    caption = html.fragment_fromstring(
        f'<caption id="{_escaped(table.name)}-caption"><span></span></caption>'
    )
    caption[0].text = table.caption
    tree.insert(0, caption)
    tree.text = caption.tail = "\n"
    _dress_headings(tree, table)
    _dress_body(tree.find("tbody"), table)
    return str(html.tostring(tree, encoding="unicode")).strip()


def _dress_headings(tree: Any, table: Table) -> None:
    head = tree.find("thead")
    head.text, head[0].tail = "", ""
    head[0].attrib.clear()
    for i, (heading, column) in enumerate(zip(head[0], table.columns, strict=True)):
        _bare(heading, column.align)
        heading.set("id", f"{table.name}-c{i}")


def _dress_body(body: Any, table: Table) -> None:
    body.attrib.clear()
    rows = iter(_rows(table))
    nameless: set[str] = set()
    for line in list(body):
        if "gt_group_heading" in line[0].get("class"):
            _dress_group(line, nameless)
        elif (row := next(rows)[1]) is None:
            body.remove(line)
        else:
            _dress_row(line, row, table, nameless)


def _dress_group(line: Any, nameless: set[str]) -> None:
    """Keep a group's heading as a row of its own; one without words goes, and its id with it."""
    heading = line[0]
    if heading.text or len(heading):
        line.set("class", "group")
        del heading.attrib["class"]
    else:
        nameless.add(heading.get("id"))
        line.getparent().remove(line)


def _dress_row(line: Any, row: Row, table: Table, nameless: set[str]) -> None:
    line.attrib.clear()
    if row.mark:
        line.set("class", row.mark)
    places, placed = list(line), dict(row.placed())
    for i, place in enumerate(places):
        if i in placed:
            _bare(place, table.columns[i].align + (" wide" if placed[i].span > 1 else ""))
            _dress_cell(place, placed[i], places[i : i + placed[i].span], nameless)
    for i in range(len(places)):
        if i not in placed and any(start < i < start + cell.span for start, cell in placed.items()):
            line.remove(places[i])


def _dress_cell(place: Any, cell: Cell, merged: list[Any], nameless: set[str]) -> None:
    """Say which row of the results a cell shows, and which headings it stands under once cells are merged."""
    if cell.source:
        place.set("data-source", cell.source)
    if len(merged) > 1:
        place.set("colspan", str(len(merged)))
    if place.tag == "td":
        headings = dict.fromkeys(word for one in merged for word in one.get("headers").split())
        place.set("headers", " ".join(word for word in headings if word not in nameless))


def _bare(place: Any, css: str) -> None:
    """Take great_tables' classes and spans from a cell, and put our class there."""
    for name in ("class", "rowspan", "colspan"):
        place.attrib.pop(name, None)
    place.set("class", css)
