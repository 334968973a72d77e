"""A table as a real table of Word: header row repeated, cells whole, groups, spans. Not here: its caption."""

from collections.abc import Iterator, Sequence

from analysis.reporting.table import Cell, Column, Group, Row, Table
from analysis.reporting.word_xml import WHERE_BROKEN, paragraph, run

PORTRAIT, LANDSCAPE = 9638, 14570  # twentieths of a point between the margins of an A4 page
MOST_COLUMNS = 8  # of a table on an upright page
KEPT_TOGETHER = 14  # rows; a longer table may run over pages
PER_CHARACTER, PADDING = 98, 190  # twentieths of a point, at the size of the table's text
WIDEST_WORD, WIDEST_TEXT = 26, 70  # characters that a column of text asks for
LIGHTS = {"good": "1B7F3B", "risk": "B45309", "bad": "B3261E", "none": "8A93A0"}
SIGN = "●"
TINT = "EEF1F5"


def is_wide(table: Table) -> bool:
    """Return whether a table needs a page on its side."""
    columns = len(table.columns)
    return columns > MOST_COLUMNS or sum(least for least, _ in _needs(table)) > PORTRAIT


def word_table(table: Table, page: int = PORTRAIT) -> str:
    """Return a table that has rows as WordprocessingML, `page` wide (twentieths of a point)."""
    widths = column_widths(table, page)
    lines = [line for group in table.groups if group.rows for line in _lines_of(group)]
    short, after = len(lines) <= KEPT_TOGETHER, [*lines[1:], None]
    rows = [
        _line(line, table, widths, keep=_is_kept(line, following, is_short=short))
        for line, following in zip(lines, after, strict=True)
    ]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="ReportTable"/><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        '<w:tblLayout w:type="fixed"/><w:tblLook w:val="04A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" '
        'w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
        f"</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{_header(table, widths)}{''.join(rows)}</w:tbl>"
    )


def column_widths(table: Table, page: int) -> list[int]:
    """Return each column's width in twentieths of a point: what it needs, then its share of what is left."""
    needs = _needs(table)
    least, wanted = sum(n for n, _ in needs), sum(w for _, w in needs)
    if wanted <= page:
        return [w for _, w in needs]
    if least >= page:
        return [n * page // least for n, _ in needs]
    share = (page - least) / (wanted - least)
    return [int(n + (w - n) * share) for n, w in needs]


def _needs(table: Table) -> list[tuple[int, int]]:
    """Return the least and the wanted width of each column."""
    texts: list[list[str]] = [[] for _ in table.columns]
    for at, cell in (placed for group in table.groups for row in group.rows for placed in row.placed()):
        if cell.span == 1 and at < len(texts):
            texts[at] += [f"{SIGN} {cell.text}" if cell.light else cell.text, cell.detail]
    return [_need(column, lines) for column, lines in zip(table.columns, texts, strict=True)]


def _need(column: Column, lines: Sequence[str]) -> tuple[int, int]:
    head = [*column.label.split(), *column.detail.split()]
    longest = max((len(line) for line in lines), default=0)
    words = max((len(word) for line in lines for word in line.split()), default=0)
    least = min(words, WIDEST_WORD) if column.align in {"text", "code"} else min(longest, WIDEST_TEXT)
    least = max([least, 3, *(len(word) + 1 for word in head)])  # the heading is bold, hence wider
    wanted = max(least, min(longest, WIDEST_TEXT), min(len(column.label), 18))
    return least * PER_CHARACTER + PADDING, wanted * PER_CHARACTER + PADDING


def _header(table: Table, widths: Sequence[int]) -> str:
    cells = (
        _cell(_paragraph(_label(column), column, keep=True), width)
        for column, width in zip(table.columns, widths, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{''.join(cells)}</w:tr>"


def _label(column: Column) -> str:
    detail = WHERE_BROKEN + run(column.detail, "Detail") if column.detail else ""
    return run(column.label, bold=True) + detail


def _paragraph(inside: str, column: Column, *, keep: bool = False) -> str:
    style = "TableNumber" if column.align == "number" else "TableText"
    return paragraph(inside, style, keep_next=keep)


def _lines_of(group: Group) -> Iterator[Row | str]:
    """Yield a group's heading, if it has one, and its rows."""
    if group.label:
        yield group.label
    yield from group.rows


def _is_kept(line: Row | str, following: Row | str | None, *, is_short: bool) -> bool:
    """Return whether a line stays on the page of the next: in a short table, and above what belongs to it."""
    if following is None:
        return False
    leads = isinstance(following, Row) and following.mark == "indented"
    return is_short or isinstance(line, str) or (leads and line.mark != "indented")


def _line(line: Row | str, table: Table, widths: Sequence[int], *, keep: bool) -> str:
    if isinstance(line, str):
        heading = paragraph(run(line, bold=True), "TableText", keep_next=keep)
        return _table_row(_cell(heading, sum(widths), len(widths), fill=TINT))
    cells, end = [], 0
    for at, cell in line.placed():
        end = min(at + cell.span, len(widths))
        if at < end:
            inside = _inside(cell, line, table.columns[at], keep=keep, is_first=at == 0)
            cells.append(_cell(inside, sum(widths[at:end]), end - at, TINT if line.mark == "primary" else ""))
    cells += [_cell(paragraph("", "TableText"), width) for width in widths[end:]]
    return _table_row("".join(cells))


def _inside(cell: Cell, row: Row, column: Column, *, keep: bool, is_first: bool) -> str:
    style = "Code" if column.align == "code" else "Quiet" if row.mark in {"absent", "quiet"} else ""
    sign = run(f"{SIGN} ", colour=LIGHTS[cell.light]) if cell.light else ""
    detail = WHERE_BROKEN + run(cell.detail, "Detail") if cell.detail else ""
    text = WHERE_BROKEN.join(run(line, style, bold=row.mark == "primary") for line in cell.text.split("\n"))
    right = column.align == "number" and cell.span == 1
    place = (
        "TableIndented" if is_first and row.mark == "indented" else "TableNumber" if right else "TableText"
    )
    return paragraph(sign + text + detail, place, keep_next=keep)


def _cell(inside: str, width: int, span: int = 1, fill: str = "") -> str:
    spanned = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    shaded = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{spanned}{shaded}</w:tcPr>{inside}</w:tc>'


def _table_row(cells: str) -> str:
    return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"
