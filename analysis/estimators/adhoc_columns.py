"""What a model makes of a table's columns: factors by their role or by C(), else what they are.

A number stays a number unless its role makes it a factor; then its levels are its value labels, where the
file has some, else its codes, in the order of the numbers. Not here: fitting (adhoc_fit).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from data_contracts.errors import Problem, RequestError

if TYPE_CHECKING:
    from data_contracts.readers.adhoc import AdhocTable

AS_FACTOR = r"\bC\(\s*`?{}`?\s*[,)]"
NAMED = r"(?<![\w.]){}(?![\w.])"
SHOWN = 12


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The table with factors as categories, and what was made of which column."""

    frame: pd.DataFrame
    labels: Mapping[str, Mapping[str, str]]  # factor -> code -> level, where codes were replaced
    notes: tuple[str, ...]

    def level(self, column: str, asked: str) -> str:
        """Return a factor's level, asked for by its name or by its code.

        Raises:
            RequestError: there is no such level.
        """
        if column not in self.frame:
            raise RequestError(
                f"There is no column {column!r}.", [Problem("level", repr(asked), "a known column")]
            )
        values = self.frame[column].dropna()
        known: dict[str, str] = {str(value): value for value in values.unique()}
        for name in (asked, self.labels.get(column, {}).get(asked, asked)):
            if name in known:
                return known[name]
        shown = ", ".join(sorted(known)[:SHOWN])
        problem = Problem(f"column {column}", repr(asked), f"one of its levels: {shown}")
        raise RequestError(f"{column} has no level {asked!r}.", [problem])


def prepared(table: "AdhocTable", formula: str, factors: Sequence[str]) -> Columns:
    """Return the table with each factor made categorical."""
    in_formula = [name for name in _names(table.frame) if _is_factor_in(formula, name)]
    wanted = [name for name in dict.fromkeys([*factors, *in_formula]) if _is_number(table.frame, name)]
    labels = {name: _usable(table, name) for name in wanted}
    made = {name: _factor(table.frame[name], labels[name]) for name in wanted}
    notes = [_said(name, labels[name], made[name]) for name in wanted]
    frame = table.frame.assign(**made)
    return Columns(frame, labels, (*notes, *_left_as_numbers(table, formula, wanted)))


def refused_columns(
    table: "AdhocTable", formula: str, *, numeric: str, factors: Sequence[str]
) -> list[Problem]:
    """Return the columns that would be read as something they are not.

    Args:
        table: A file's columns.
        formula: The model.
        numeric: A column that must hold numbers, such as weights; may be empty.
        factors: Columns whose role makes them factors.
    """
    plain = [
        name
        for name in _names(table.frame)
        if name not in factors and _is_named_in(formula, name) and not _is_factor_in(formula, name)
    ]
    asked = [*plain, *([numeric] if numeric in table.frame else [])]
    mend = "Mend them, name what means missing with --missing, or write C({}) if they are categories."
    found = [
        Problem(f"column {name}", table.mixed[name], "numbers", mend.format(name))
        for name in asked
        if name in table.mixed
    ]
    dates = [name for name in asked if pd.api.types.is_datetime64_any_dtype(table.frame[name])]
    found += [Problem(f"column {name}", "dates", "numbers or categories") for name in dates]
    if numeric in table.frame and not (_is_number(table.frame, numeric) or numeric in table.mixed):
        found.append(Problem(f"column {numeric}", "text", "numbers: it holds the weights"))
    return found


def _names(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame]


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and pd.api.types.is_numeric_dtype(frame[name])


def _is_factor_in(formula: str, name: str) -> bool:
    return re.search(AS_FACTOR.format(re.escape(name)), formula) is not None


def _is_named_in(formula: str, name: str) -> bool:
    return re.search(NAMED.format(re.escape(name)), formula) is not None


def _usable(table: "AdhocTable", name: str) -> Mapping[str, str]:
    """Return a column's labels if each of its values has one of its own, else none."""
    from data_contracts.readers.raw import code_of

    codes = {code_of(float(value)) for value in table.frame[name].dropna().unique()}
    labels = {code: label for code, label in table.labels.get(name, {}).items() if code in codes}
    return labels if set(labels) == codes and len(set(labels.values())) == len(labels) else {}


def _factor(values: pd.Series, labels: Mapping[str, str]) -> pd.Series:
    from data_contracts.readers.raw import code_of

    level_of = {v: code_of(float(v)) for v in sorted(values.dropna().unique())}
    named = {v: labels.get(code, code) for v, code in level_of.items()}
    return pd.Series(pd.Categorical(values.map(named), categories=list(named.values())), index=values.index)


def _said(name: str, labels: Mapping[str, str], made: pd.Series) -> str:
    levels = [f"{code} = {label}" for code, label in labels.items()] or list(made.cat.categories)
    shown = ", ".join(levels[:SHOWN]) + (f" and {len(levels) - SHOWN} more" if len(levels) > SHOWN else "")
    return f"column {name!r} is a factor, {'by its labels' if labels else 'by its codes'}: {shown}"


def _left_as_numbers(table: "AdhocTable", formula: str, factors: Sequence[str]) -> Iterator[str]:
    for name in table.labels:
        if name not in factors and _is_named_in(formula, name) and _is_number(table.frame, name):
            yield f"column {name!r} is a number in the formula, though it has labels; C({name}) makes it a factor"
