"""Read a trial's landing folder: a form per file, every problem of every file at once.

Not here: what a format looks like (sav, delimited).
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from data_contracts.errors import Problem, ReadError
from data_contracts.forms import ReadForm, SourceFile
from data_contracts.readers.delimited import read_csv
from data_contracts.readers.find import match_sources
from data_contracts.readers.form import has_a_declared_column, typed_form
from data_contracts.readers.raw import RawTable, refuse
from data_contracts.readers.sav import read_sav
from data_contracts.spec import Form, Trial

READERS: Mapping[str, Callable[[bytes, Form, str], RawTable]] = {"sav": read_sav, "csv": read_csv}


def read_trial(landing: Path, trial: Trial) -> dict[str, ReadForm]:
    """Return every form of a trial, typed by its contract.

    Args:
        landing: The folder the exports are put in.
        trial: The plan.

    Raises:
        ReadError: files are missing, empty, of another format or damaged; all problems are listed.
    """
    sources, problems = match_sources(landing, trial)
    forms = dict[str, ReadForm]()
    for name, path in sources.items():
        try:
            forms[name] = read_form(path, landing, trial.forms[name], trial)
        except ReadError as error:
            problems += error.problems
    if problems:
        raise ReadError(f"The exports of {trial.name} can't be read; nothing was stored.", problems)
    return forms


def read_form(path: Path, landing: Path, form: Form, trial: Trial) -> ReadForm:
    """Return one form; its hash is that of the bytes that were parsed.

    Raises:
        ReadError: the file can't be read; all its problems are listed.
    """
    name = path.relative_to(landing).as_posix()
    where = f"landing/{trial.name}/{name}"
    data, modified = _read_once(path, where)
    table = READERS[form.format](data, form, where)
    refuse(where, _table_problems(table, form, trial, where))
    source = SourceFile(name, hashlib.sha256(data).hexdigest(), len(data), modified)
    return typed_form(table, form, trial, source)


def _read_once(path: Path, where: str) -> tuple[bytes, datetime]:
    """Return a file's bytes and when it was modified; a file that changes meanwhile is refused."""
    try:
        before, data, after = path.stat(), path.read_bytes(), path.stat()
    except OSError as error:
        found = f"a file that can't be opened ({error.strerror})"
        raise ReadError(f"{where} can't be read.", [Problem(where, found, "a file to read")]) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        data
    ) != after.st_size:
        remedy = "Run again when the export has finished."
        refuse(where, [Problem(where, "a file that changed while it was read", "a finished export", remedy)])
    return data, datetime.fromtimestamp(before.st_mtime, tz=UTC)


def _table_problems(table: RawTable, form: Form, trial: Trial, where: str) -> list[Problem]:
    problems = []
    if not has_a_declared_column(table, form, trial):
        names = ", ".join(
            column.in_file for column in trial.columns_of(form).values() if column.name not in form.wide
        )
        remedy = f"Is this the export of form {form.name}?"
        problems.append(Problem(where, "none of the declared columns", names, remedy))
    if table.n_rows == 0 and not form.may_be_empty:
        remedy = "Set `may_be_empty` in the trial file if none are right."
        problems.append(Problem(where, "no records", "at least one", remedy))
    return problems
