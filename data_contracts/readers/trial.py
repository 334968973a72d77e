"""Read a trial's landing folder: a form per file, every problem of every file at once.

Not here: what a format looks like (spss, stata_sas, delimited).
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from data_contracts.errors import Problem, ReadError
from data_contracts.forms import ReadForm, SourceFile
from data_contracts.readers.delimited import read_csv
from data_contracts.readers.find import match_sources
from data_contracts.readers.form import has_a_declared_column, typed_form
from data_contracts.readers.personal import at_the_door
from data_contracts.readers.raw import RawTable, refuse
from data_contracts.readers.spss import read_por, read_sav
from data_contracts.readers.stata_sas import read_dta, read_sas7bdat, read_xpt
from data_contracts.readers.vouched import Received, Vouched, as_landed
from data_contracts.spec import Form, Trial

READERS: Mapping[str, Callable[[bytes, Form, str], RawTable]] = {
    "sav": read_sav,
    "por": read_por,
    "csv": read_csv,
    "dta": read_dta,
    "sas7bdat": read_sas7bdat,
    "xpt": read_xpt,
}


def read_trial(
    landing: Path, trial: Trial, vouched: Mapping[str, Vouched] = MappingProxyType({})
) -> dict[str, ReadForm]:
    """Return every form of a trial, typed by its contract, from the folder its exports are put in.

    Args:
        landing: The folder.
        trial: The plan.
        vouched: What is known of the forms' files.

    Raises:
        ReadError: files are missing, empty, of another format or damaged; all problems are listed.
    """
    sources, problems = match_sources(landing, trial)
    received = dict[str, Received]()
    for name, path in sources.items():
        try:
            received[name] = as_landed(path, landing, vouched.get(name))
        except OSError as error:
            problems.append(_unopened(f"landing/{trial.name}/{path.relative_to(landing).as_posix()}", error))
    return _read_all(received, trial, problems)


def read_received(received: Mapping[str, Received], trial: Trial) -> dict[str, ReadForm]:
    """Return every form of a trial, typed by its contract, from the files that were received.

    Raises:
        ReadError: files are empty, of another format or damaged; all problems are listed.
    """
    return _read_all(received, trial, [])


def _read_all(received: Mapping[str, Received], trial: Trial, problems: list[Problem]) -> dict[str, ReadForm]:
    forms = dict[str, ReadForm]()
    for name, file in received.items():
        try:
            forms[name] = read_form(file, trial.forms[name], trial)
        except ReadError as error:
            problems += error.problems
    if problems:
        raise ReadError(f"The exports of {trial.name} can't be read; nothing was stored.", problems)
    return forms


def read_form(file: Received, form: Form, trial: Trial) -> ReadForm:
    """Return one form; its hash is that of the bytes that were parsed.

    Raises:
        ReadError: the file can't be read; all its problems are listed.
    """
    where = f"landing/{trial.name}/{file.name}"
    data = _read_once(file.path, where)
    sha256 = hashlib.sha256(data).hexdigest()
    refuse(where, _not_as_vouched(sha256, file.vouched, where))
    table, personal = at_the_door(READERS[form.format](data, form, where), form, trial, where)
    counted = _count_problems(table, file.vouched, where)
    refuse(where, [*personal, *_table_problems(table, form, trial, where), *counted])
    return typed_form(table, form, trial, SourceFile(file.name, sha256, len(data), file.modified))


def _read_once(path: Path, where: str) -> bytes:
    """Return a file's bytes; a file that changes meanwhile is refused."""
    try:
        before, data, after = path.stat(), path.read_bytes(), path.stat()
    except OSError as error:
        raise ReadError(f"{where} can't be read.", [_unopened(where, error)]) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        data
    ) != after.st_size:
        remedy = "Run again when the export has finished."
        refuse(where, [Problem(where, "a file that changed while it was read", "a finished export", remedy)])
    return data


def _unopened(where: str, error: OSError) -> Problem:
    return Problem(where, f"a file that can't be opened ({error.strerror})", "a file to read")


def _not_as_vouched(sha256: str, vouched: Vouched | None, where: str) -> list[Problem]:
    if vouched is None or vouched.sha256 == sha256:
        return []
    return [Problem(where, "other contents than its manifest vouches for", "the same", "Deliver it again.")]


def _count_problems(table: RawTable, vouched: Vouched | None, where: str) -> list[Problem]:
    rows = None if vouched is None else vouched.rows
    if rows is None and not table.states_its_rows:
        found = "a file that does not state its number of records, so that nobody could tell if it was cut"
        remedy = "Deliver it with a manifest that says how many it has, or export it in another format."
        return [Problem(where, found, "the number in its header or in a manifest", remedy)]
    if vouched is None or rows in {None, table.n_rows}:
        return []
    found, expected = f"{table.n_rows} records", f"{vouched.rows}, as its manifest says"
    return [Problem(where, found, expected, "Deliver it again.")]


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
