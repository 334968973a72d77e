"""Results and analysis set as the bytes of files for other programs. Not here: where they go."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from analysis.reporting.exports.variables import Variable, variables
from analysis.results import typed
from data_contracts.spec import Column, Trial
from data_contracts.standing import MARK, SHUFFLED
from data_contracts.writers.cells import neutralised
from data_contracts.writers.sav import sav_bytes

LONGEST_LABEL = 256  # bytes, of a variable in SPSS
LONGEST_VALUE_LABEL = 120
DICTIONARY = ("name", "label", "unit", "type", "codes", "source")
NOT_RECORDED = "not recorded"


def results_csv(results: pd.DataFrame) -> bytes:
    """Return the results table as CSV: every digit, in the schema's columns and the table's order."""
    return typed(results).to_csv(index=False, lineterminator="\n").encode()


def results_parquet(results: pd.DataFrame) -> bytes:
    """Return the results table as Parquet, in the schema's types."""
    out = io.BytesIO()
    typed(results).to_parquet(out, index=False)
    return out.getvalue()


def analysis_set_files(frame: pd.DataFrame, trial: Trial, allocation: str = "true") -> Mapping[str, bytes]:
    """Return the analysis set for SPSS, Stata and R by file name: .sav, .csv, and the dictionary of both.

    In the .sav categories are numbers with labels; in the .csv they are the labels. Absent is system-missing or a
    blank that is declared missing; in the .csv, an empty field.

    Args:
        frame: The analysis set, a row per participant and visit.
        trial: The trial.
        allocation: Whose arms it has: "true" or "shuffled".
    """
    found = variables(frame, trial, allocation)
    columns = [_column(variable) for variable in found]
    coded = pd.DataFrame({variable.name: _coded(frame[variable.column], variable) for variable in found})
    title = f"{f'{MARK} ' if allocation == SHUFFLED else ''}{trial.title}"
    return {
        "analysis_set.sav": sav_bytes(coded, columns, _cut(title, 64)),
        "analysis_set.csv": _written([v.name for v in found], _readable(coded, found)),
        "data_dictionary.csv": _written(DICTIONARY, (_described(variable) for variable in found)),
    }


def _coded(values: pd.Series, variable: Variable) -> pd.Series:
    """Return a column's values as numbers where it has codes, else as they are."""
    if variable.codes:
        return values.astype("object").map(variable.codes).astype("Int64")
    if variable.labels or variable.type == "integer":
        return values.astype("Float64").astype("Int64")
    return values


def _column(variable: Variable) -> Column:
    """Return a variable as the writer of SPSS files knows columns."""
    unit = f" ({variable.unit})" if variable.unit and variable.unit not in variable.label.lower() else ""
    return Column(
        name="variable",
        source=variable.name,
        type=variable.type,
        label=_cut(f"{variable.label}{unit}", LONGEST_LABEL),
        labels={str(code): _cut(label, LONGEST_VALUE_LABEL) for code, label in variable.labels.items()},
        missing={"": NOT_RECORDED} if variable.type == "text" else {},
    )


def _cut(text: str, most: int) -> str:
    """Return text of at most so many bytes, an ellipsis where it was longer; SPSS's writer cuts silently."""
    whole = text.encode()
    return text if len(whole) <= most else whole[: most - 3].decode(errors="ignore") + "…"


def _readable(coded: pd.DataFrame, found: Sequence[Variable]) -> Iterator[tuple[str, ...]]:
    columns = [_texts(coded[variable.name], variable) for variable in found]
    return zip(*columns, strict=True)


def _texts(values: pd.Series, variable: Variable) -> list[str]:
    """Return a column as text: labels of a category, whole numbers of yes and no, every digit of a number."""
    present = values.notna()
    if variable.type == "category":
        return [neutralised(variable.labels[v]) if ok else "" for v, ok in zip(values, present, strict=True)]
    if variable.type == "date":
        return [f"{v:%Y-%m-%d}" if ok else "" for v, ok in zip(values, present, strict=True)]
    if variable.type == "text":
        return [neutralised(str(v)) if ok else "" for v, ok in zip(values, present, strict=True)]
    return [_number(v) if ok else "" for v, ok in zip(values, present, strict=True)]


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _described(variable: Variable) -> tuple[str, ...]:
    codes = "; ".join(f"{code} = {label}" for code, label in variable.labels.items())
    said = (variable.name, variable.label, variable.unit, variable.type, codes, variable.source)
    return tuple(neutralised(text) for text in said)


def _written(heading: Iterable[str], lines: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(lines)
    return out.getvalue().encode()
