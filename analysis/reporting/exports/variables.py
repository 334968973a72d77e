"""What each column of the analysis set is, in the words and codes of a statistics program. Not here: files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from analysis.reporting.methods.words import opening
from data_contracts.plan import Outcome
from data_contracts.spec import Arm, Column, ColumnType, Site, Trial, Visit
from data_contracts.standing import SHUFFLED

LONGEST_NAME = 64  # bytes, of SPSS
RESERVED = frozenset(
    ("all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with")
)  # of SPSS
NO_YES = {0: "No", 1: "Yes"}
NOT_TRUE = "ALLOCATION SHUFFLED, not the true arms: "


@dataclass(frozen=True, slots=True)
class Variable:
    """One column: its name there and here, and what stands in it."""

    column: str  # of the analysis set
    label: str
    type: ColumnType
    source: str  # form.column of the export, or how it was derived
    unit: str = ""
    labels: Mapping[int, str] = field(default_factory=dict)  # code -> label
    codes: Mapping[str, int] = field(default_factory=dict)  # what stands in the set -> code; empty: the same
    name: str = ""  # legal in SPSS


def variables(frame: pd.DataFrame, trial: Trial, allocation: str = "true") -> tuple[Variable, ...]:
    """Return what each column of the analysis set is, in its order.

    Args:
        frame: The analysis set.
        trial: The trial.
        allocation: Whose arms they are: "true" or "shuffled".
    """
    known = {one.column: one for one in _known(trial, frame)}
    found = [known.get(str(name)) or _unknown(frame[name]) for name in frame.columns]
    if allocation == SHUFFLED:
        found = [replace(v, label=NOT_TRUE + v.label) if v.column == "arm" else v for v in found]
    return tuple(replace(variable, name=name) for variable, name in zip(found, _names(found), strict=True))


def _known(trial: Trial, frame: pd.DataFrame) -> Iterator[Variable]:
    """Yield what the plan says of columns, the more particular last."""
    yield from _of_forms(trial, frame)
    yield from _of_design(trial)
    for outcome in trial.outcomes.values():
        yield from _of_outcome(outcome, trial)
    for event in trial.events.values():
        label = f"{event.label}: days from randomisation to the first"
        yield Variable(f"event_{event.name}_day", label, "number", f"derived from {event.form}", "days")
    for population in trial.populations.values():
        label = f"In the population: {population.label}"
        yield Variable(f"in_{population.name}", label, "integer", "derived", labels=NO_YES)


def _of_forms(trial: Trial, frame: pd.DataFrame) -> Iterator[Variable]:
    for form in (*trial.forms_of("participants"), *trial.forms_of("allocation")):
        for name, column in trial.columns_of(form).items():
            if name in frame:
                yield _of_column(column, f"{form.name}.{column.in_file}", frame[name])


def _of_column(column: Column, source: str, values: pd.Series) -> Variable:
    kind: ColumnType = "number" if column.type == "number" else column.type
    found = Variable(column.name, column.label or _words(column.name), kind, source, column.unit)
    if column.type != "category" or not column.labels:
        return found if column.type != "category" else replace(found, type="text")
    whole = all(_is_whole(code) for code in column.labels)
    numbered = [int(code) if whole else i for i, code in enumerate(column.labels, start=1)]
    labels: dict[int, str] = {}
    codes: dict[str, int] = {}
    for code, (spelt, label) in zip(numbered, column.labels.items(), strict=True):
        first = next((c for c, known in labels.items() if known == label), code)  # two spellings of one level
        labels.setdefault(first, label)
        codes |= {spelt: first, label: first}
    present = {str(value) for value in values.dropna().unique()}
    return (
        replace(found, labels=labels, codes=codes) if present <= set(codes) else replace(found, type="text")
    )


def _is_whole(code: str) -> bool:
    return code.removeprefix("-").isdigit()


def _of_design(trial: Trial) -> Iterator[Variable]:
    arms = trial.ordered_arms
    yield Variable("participant", "Participant", "text", "participant")
    yield replace(_coded("arm", "Arm", arms, 0), source=_allocated("arm", trial))
    if trial.sites:
        yield replace(_coded("site", "Site", trial.sites, 1), source=_allocated("site", trial))
    yield _coded("visit", "Visit", trial.visits, 0)
    yield Variable("month", "Months from randomisation, as planned", "number", "the plan", "months")
    yield Variable("visit_date", "Date of the visit", "date", "the visit's form")
    yield Variable(
        "days_since_randomisation", "Days from randomisation to the visit", "integer", "derived", "days"
    )
    yield Variable("therapist", "Therapist with most of the sessions", "text", "derived from sessions")
    yield Variable("sessions_attended", "Sessions attended", "integer", "derived from sessions")
    yield Variable(
        "discontinuation_reason", "Reason why therapy ended early", "text", "derived from discontinuations"
    )


def _coded(column: str, label: str, levels: Sequence[Arm | Site | Visit], first: int) -> Variable:
    labels = {code: level.label for code, level in enumerate(levels, start=first)}
    codes = {level.code: code for code, level in enumerate(levels, start=first)}
    return Variable(column, label, "category", "the plan", labels=labels, codes=codes)


def _allocated(name: str, trial: Trial) -> str:
    (form,) = trial.forms_of("allocation")
    return f"{form.name}.{form.columns[name].in_file}" if name in form.columns else "the plan"


def _of_outcome(outcome: Outcome, trial: Trial) -> Iterator[Variable]:
    source = _source(outcome, trial)
    value = Variable(outcome.name, outcome.label, "number", source, outcome.unit)
    if outcome.kind == "binary":
        value = replace(value, type="integer", labels=NO_YES)
    elif outcome.levels:
        value = replace(value, type="integer", labels=dict(enumerate(outcome.levels)))
    if outcome.kind == "time to event":
        value = replace(
            value, label=f"{outcome.label}: whether it happened", type="integer", unit="", labels=NO_YES
        )
    yield value
    if outcome.event:
        what = f"{outcome.label}: days to it, or of follow-up"
        yield Variable(f"{outcome.name}_days", what, "number", source, "days")
    yield replace(value, column=f"{outcome.name}_baseline", label=f"{outcome.label}, at baseline")
    change = f"{outcome.label}, change from baseline"
    yield Variable(f"{outcome.name}_change", change, "number", source, value.unit)


def _source(outcome: Outcome, trial: Trial) -> str:
    if outcome.event:
        return f"derived from {trial.events[outcome.event].form}"
    if outcome.of:
        return f"derived from {outcome.of}"
    if outcome.instrument:
        return f"{outcome.form}: {outcome.instrument}, {outcome.scale}"
    column = trial.columns_of(trial.forms[outcome.form]).get(outcome.column)
    return f"{outcome.form}.{column.in_file if column else outcome.column}"


def _unknown(values: pd.Series) -> Variable:
    """Return what can be said of a column that the plan does not name."""
    name = str(values.name)
    said = Variable(name, _words(name), "text", "derived")
    if pd.api.types.is_bool_dtype(values):
        return replace(said, type="integer", labels=NO_YES)
    if pd.api.types.is_datetime64_any_dtype(values):
        return replace(said, type="date")
    return replace(said, type="number") if pd.api.types.is_numeric_dtype(values) else said


def _words(name: str) -> str:
    return opening(name.replace("_", " "))


def _names(found: list[Variable]) -> Iterator[str]:
    """Yield a name for each that SPSS takes: at most 64 bytes, no reserved word, none twice in any case."""
    taken: set[str] = set()
    for variable in found:
        name = _legal(variable.column)
        number = 2
        while name.casefold() in taken:
            name = f"{_legal(variable.column)[: LONGEST_NAME - len(str(number)) - 1]}_{number}"
            number += 1
        taken.add(name.casefold())
        yield name


def _legal(name: str) -> str:
    spelt = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    whole = (spelt if spelt[:1].isalpha() else f"v_{spelt}")[:LONGEST_NAME].rstrip("_")
    return f"{whole}_v" if whole.casefold() in RESERVED else whole
