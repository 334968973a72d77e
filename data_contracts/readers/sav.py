"""Read SPSS files (.sav, .zsav): labels and user-missing codes kept, dates converted here.

`_parse` is the one place that runs pyreadstat, so that a child process can. Not here: the contract (convert).
"""

import io
import struct
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from data_contracts.errors import Problem, ReadError
from data_contracts.readers.raw import (
    Cell,
    DeclaredMissing,
    NotADate,
    RawColumn,
    RawTable,
    code_of,
    fold,
    is_encoded_twice,
    name_problems,
    refuse,
    signature_of,
)
from data_contracts.spec import Form

SPSS_EPOCH = datetime(1582, 10, 14)  # noqa: DTZ001  SPSS counts seconds from here and knows no time zones
DATE_FORMATS = ("DATE", "ADATE", "EDATE", "SDATE", "JDATE", "DATETIME", "YMDHMS", "MOYR", "QYR", "WKYR")
COUNT = slice(80, 84)  # of the header: the number of cases
EXPORT_AGAIN = "Export it again, and copy it whole."


def read_sav(data: bytes, form: Form, where: str) -> RawTable:
    """Return the variables of an SPSS file.

    Args:
        data: The file's bytes.
        form: Its contract, for the encoding.
        where: The file's name in messages.

    Raises:
        ReadError: not an SPSS file, cut or damaged, or names that can't be told apart.
    """
    _refuse_other_formats(data, where)
    n_stated, open_ended = _without_count(data)
    cells, meta, complaints = _parse(open_ended, form.encoding, where)
    n_rows = len(next(iter(cells.values()), ()))
    refuse(where, [*_count_problems(n_stated, n_rows, where), *_name_problems(cells, complaints, where)])
    columns = {fold(name): _column(name, found, meta) for name, found in cells.items()}
    notes = [*_count_notes(n_stated), *_encoding_notes(cells, meta), *complaints]
    return RawTable(n_rows, columns, tuple(notes))


def _refuse_other_formats(data: bytes, where: str) -> None:
    if not data:
        refuse(where, [Problem(where, "an empty file (0 bytes)", "an SPSS file", EXPORT_AGAIN)])
    if not data.startswith((b"$FL2", b"$FL3")):
        remedy = "Only its name says .sav: export it from SPSS, or declare its format in the trial file."
        found = signature_of(data) or ("an unknown format" if b"\0" in data else "text, as in a CSV")
        refuse(where, [Problem(where, found, "an SPSS file", remedy)])


def _without_count(data: bytes) -> tuple[int, bytes]:
    """Return the number of cases the header states, and a copy that states none.

    pyreadstat obeys a count that is too low, and reads a file without one to its end.
    """
    if len(data) < COUNT.stop:
        return -1, data
    order = "<" if data[64] in {2, 3} else ">"
    (stated,) = struct.unpack(f"{order}i", data[COUNT])
    return stated, data[: COUNT.start] + b"\xff\xff\xff\xff" + data[COUNT.stop :]


def _parse(data: bytes, encoding: str, where: str) -> tuple[dict[str, list[Any]], Any, list[str]]:
    """Return the cells by variable, pyreadstat's description of them, and its warnings."""
    import pyreadstat

    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        try:
            cells, meta = pyreadstat.read_sav(
                io.BytesIO(data),
                encoding=encoding or None,
                user_missing=True,  # else declared codes and their ranges are lost
                disable_datetime_conversion=True,  # else 30:00:00 becomes 06:00:00
                output_format="dict",
            )
        except UnicodeDecodeError:
            raise _undecodable(where, "bytes that are not UTF-8, and no declared encoding") from None
        except pyreadstat.ReadstatError as error:
            raise _unparsed(where, str(error)) from None
        except Exception as error:  # noqa: BLE001  a damaged file can set off anything
            raise _unparsed(where, type(error).__name__) from None
    return cells, meta, [str(complaint.message) for complaint in complaints]


def _unparsed(where: str, message: str) -> ReadError:
    """Return the error for pyreadstat's message, none of which holds a value."""
    if "encoding" in message or "character set" in message:
        return _undecodable(where, "text that is not in the encoding the file declares")
    found = f"a cut or damaged file ({message[:1].lower()}{message[1:]})"
    return ReadError(f"{where} can't be read.", [Problem(where, found, "a whole SPSS file", EXPORT_AGAIN)])


def _undecodable(where: str, found: str) -> ReadError:
    remedy = "Set the form's `encoding` in the trial file, such as windows-1252."
    return ReadError(f"{where} can't be read.", [Problem(where, found, "text in a known encoding", remedy)])


def _count_problems(n_stated: int, n_rows: int, where: str) -> list[Problem]:
    if n_stated in {-1, n_rows}:
        return []
    return [Problem(where, f"{n_rows} records", f"{n_stated}, which its header states", EXPORT_AGAIN)]


def _count_notes(n_stated: int) -> list[str]:
    if n_stated != -1:
        return []
    return ["The file's header does not state the number of records, so a cut file would not be noticed."]


def _name_problems(names: Iterable[str], complaints: Iterable[str], where: str) -> list[Problem]:
    """Return repeated names; pyreadstat renames those that are wholly alike, and says so."""
    repeated = [text.split("'")[1] for text in complaints if "is duplicated" in text]
    alike = [Problem(where, f"two variables named {name!r}", "each name once") for name in repeated]
    return alike + name_problems(list(names), where)


def _encoding_notes(cells: Mapping[str, list[Any]], meta: Any) -> list[str]:
    declared = str(meta.file_encoding or "UTF-8")
    if declared.upper() in {"UTF-8", "UTF8"}:
        return []
    twice = [name for name, found in cells.items() if is_encoded_twice(found, declared)]
    return [f"{name}: UTF-8 text in a file that declares {declared}; accents are garbled." for name in twice]


def _column(name: str, found: list[Any], meta: Any) -> RawColumn:
    labels = {_code(k): str(v) for k, v in meta.variable_value_labels.get(name, {}).items()}
    ranges = meta.missing_ranges.get(name, [])
    kind = str(meta.original_variable_types.get(name, "")).rstrip("0123456789.")
    cell_of = {value: _cell(value, kind, ranges, labels) for value in set(found)}
    cells = [cell_of[value] for value in found]
    return RawColumn(name, cells, meta.column_names_to_labels.get(name) or "", labels)


def _cell(value: Any, kind: str, ranges: list[Mapping[str, Any]], labels: Mapping[str, str]) -> Cell:
    if value is None:
        return None
    if any(_is_within(value, bounds) for bounds in ranges):
        return DeclaredMissing(_code(value), labels.get(_code(value), ""))
    if isinstance(value, str):
        return value
    return _date(float(value)) if kind in DATE_FORMATS else float(value)


def _is_within(value: Any, bounds: Mapping[str, Any]) -> bool:
    low, high = bounds["lo"], bounds["hi"]
    if isinstance(value, str) != isinstance(low, str):
        return False
    return bool(value.rstrip() == low.rstrip()) if isinstance(value, str) else bool(low <= value <= high)


def _date(seconds: float) -> datetime | NotADate:
    """Return the date that SPSS's seconds mean; its calendar begins on 15 October 1582."""
    try:
        date = SPSS_EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return NotADate(f"{seconds!r} seconds")
    return date if date >= SPSS_EPOCH + timedelta(days=1) else NotADate(f"{seconds!r} seconds")


def _code(value: object) -> str:
    return code_of(float(value)) if isinstance(value, int | float) else str(value).rstrip()
