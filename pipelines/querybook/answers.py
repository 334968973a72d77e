"""A file of answers, from a site, into wishes; all its mistakes at once. Not here: carrying them out (people)."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Problem, ReadError
from pipelines.querybook.people import Wish, cleaned

if TYPE_CHECKING:
    from pipelines.querybook.people import Deed

ID, ANSWER, STATUS = "query_id", "answer", "status"
NEEDED = (ID, ANSWER)
DEEDS: "dict[str, Deed]" = {"": "answer", "answered": "answer", "resolved": "close"}
FORMULA = ("=", "@")  # what follows + or - may be an answer, such as "-99 is right"
LARGEST = 50 * 2**20  # bytes
MOST_LINES = 200_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file that says something."""

    where: str
    query_id: str
    answer: str
    status: str
    is_formula: bool
    is_overlong: bool  # more cells than the head: an answer with a bare comma, which would be cut there


def read_answers(path: Path) -> tuple[Wish, ...]:
    """Return what a CSV or XLSX file of answers wishes; lines without an answer and status wish nothing.

    Args:
        path: The file, with the columns query_id and answer, and status where one is to be resolved.

    Raises:
        ReadError: the file can't be read, or lines of it are wrong: all of them are named.
    """
    _readable(path)
    lines = list(_xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path))
    problems = list(_mistakes(lines))
    if problems:
        raise ReadError(f"{path.name} can't be taken as it is; nothing was changed.", problems)
    return tuple(
        Wish(line.query_id, DEEDS[line.status.lower()], line.answer, where=line.where) for line in lines
    )


def _readable(path: Path) -> None:
    if not path.is_file():
        raise ReadError("There is no such file.", [Problem(str(path), "no file", "a CSV or XLSX file")])
    if path.suffix.lower() not in {".csv", ".tsv", ".txt", ".xlsx"}:
        remedy = "Save it as CSV (UTF-8) or XLSX."
        raise ReadError(
            "The file is of another kind.",
            [Problem(str(path), path.suffix or "no ending", ".csv or .xlsx", remedy)],
        )
    if path.stat().st_size > LARGEST:
        found = f"{path.stat().st_size / 2**20:.0f} MB"
        raise ReadError(
            "The file is too large.", [Problem(str(path), found, f"at most {LARGEST // 2**20} MB")]
        )


def _mistakes(lines: Sequence[Line]) -> Iterator[Problem]:
    """Yield what is wrong with lines on their own; what the book says of them comes later."""
    times = Counter(line.query_id for line in lines)
    first: dict[str, str] = {}
    for line in lines:
        if not line.query_id:
            yield Problem(line.where, "an answer without a query_id", "the id of the query it answers")
        elif times[line.query_id] > 1 and first.setdefault(line.query_id, line.where) != line.where:
            found = f"query {line.query_id} again (first in {first[line.query_id]})"
            yield Problem(line.where, found, "each query once")
        if line.is_overlong:
            remedy = "Put an answer that holds the separator in quotation marks, or save the file as XLSX."
            yield Problem(line.where, "more cells than columns", "as many as in the first line", remedy)
        if line.is_formula:
            yield Problem(line.where, "a formula in place of an answer", "text", "Write it without = or @.")
        if line.status.lower() not in DEEDS:
            yield Problem(line.where, "another status", "answered, resolved, or nothing")
        elif not line.answer:
            yield Problem(line.where, "a status without an answer", "an answer, or a reason, in words")


def _csv(path: Path) -> Iterator[Line]:
    text = _decoded(path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    last = 0
    try:
        for cells in reader:
            where, last = f"{path.name}, line {last + 1}", reader.line_num
            if header is None:
                header = _header(cells, path.name)
            elif any(cells):
                yield from _line(where, header, cells)
    except csv.Error as error:
        raise ReadError(
            "The file is no sound CSV.", [Problem(f"{path.name}, line {last + 1}", str(error), "CSV")]
        ) from None
    if header is None:
        raise ReadError(
            "The file is empty.", [Problem(path.name, "nothing", f"the columns {', '.join(NEEDED)}")]
        )


def _decoded(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        remedy = "Save it as “CSV UTF-8”, or as XLSX."
        raise ReadError(
            "The file is not UTF-8.", [Problem(path.name, "another encoding", "UTF-8", remedy)]
        ) from None
    return text


def _xlsx(path: Path) -> Iterator[Line]:
    """Yield the lines of every sheet that has the columns; a formula is seen as such, not its result."""
    for title, rows in _sheets(path):
        header: list[str] | None = None
        for number, cells in enumerate(rows, start=1):
            texts = [_text(value) for value in cells]
            if header is None and ID in [t.strip().lower() for t in texts]:
                header = _header(texts, f"{path.name}, sheet {title}")
            elif header is not None and any(texts):
                yield from _line(f"{path.name}, sheet {title}, row {number}", header, texts)


def _sheets(path: Path) -> list[tuple[str, list[Sequence[Any]]]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        remedy = "Save the sheet as CSV (UTF-8), or install openpyxl."
        raise ReadError(
            "XLSX can't be read here.", [Problem(path.name, "no openpyxl", "it", remedy)]
        ) from None
    try:
        book = load_workbook(path, read_only=True, data_only=False)
        sheets = [(s.title, list(s.iter_rows(values_only=True, max_row=MOST_LINES))) for s in book.worksheets]
        book.close()
    except Exception as error:  # noqa: BLE001  a damaged file makes the library raise many kinds
        found = f"no sound XLSX file ({type(error).__name__})"
        raise ReadError("The file can't be read.", [Problem(path.name, found, "a spreadsheet")]) from None
    if not any(ID in [_text(v).strip().lower() for v in row] for _, rows in sheets for row in rows[:20]):
        _header([], path.name)
    return sheets


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _header(cells: Sequence[str], where: str) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    missing = [name for name in NEEDED if name not in names]
    twice = [name for name in (*NEEDED, STATUS) if names.count(name) > 1]
    problems = [Problem(where, f"no column {name}", f"the columns {', '.join(NEEDED)}") for name in missing]
    problems += [Problem(where, f"two columns {name}", "one") for name in twice]
    if problems:
        raise ReadError("The file has not the columns of an answer file.", problems)
    return names


def _line(where: str, header: Sequence[str], cells: Sequence[str]) -> Iterator[Line]:
    """Yield the line if somebody has written something into it."""
    by_name = dict(zip(header, cells, strict=False))
    answer, status = by_name.get(ANSWER, ""), by_name.get(STATUS, "").strip()
    is_formula, is_overlong = answer.lstrip().startswith(FORMULA), any(cells[len(header) :])
    if answer.strip() or status or is_overlong:
        query_id = by_name.get(ID, "").strip().strip("'").lower()
        text = cleaned(answer.strip().removeprefix("'"))
        yield Line(where, query_id, text, status, is_formula, is_overlong)
