"""A value is among the declared codes, or inside the declared range. Not here: arms, sites, visits."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Column, Form, Trial
from data_contracts.suites.must import PLAN_COLUMNS, Must, called, columns_in, severity_of

REMEDY = "Check it against the source document and correct it."


def code_and_range_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per column with codes or a range; questionnaire items have their legal answers.

    A wrong value is never blanked. Where the column's severity is critical the record is set aside; where
    it is a warning the value stays and is asked about.
    """
    for column in columns_in(form, trial):
        if column.name in PLAN_COLUMNS:
            continue
        if reasons := _ambiguous_reasons(form, column):
            yield _unambiguous(form, column, reasons)
        if _has_legal_codes(form, column):
            yield _among_codes(form, column)
        elif column.range is not None:
            yield _in_range(form, column, column.range)


def _ambiguous_reasons(form: Form, column: Column) -> tuple[str, ...]:
    """Return the reasons whose codes are legal values of the column too."""
    if _has_legal_codes(form, column):
        return tuple(reason for code, reason in column.missing.items() if code in column.labels)
    if column.range is None or column.type not in {"integer", "number"}:
        return ()
    low, high = column.range
    return tuple(reason for code, reason in column.missing.items() if low <= float(code) <= high)


def _unambiguous(form: Form, column: Column, reasons: tuple[str, ...]) -> Rule:
    return Must(
        dimension="code",
        check="unambiguous",
        columns=(column.name,),
        about=f"{column.name}.missing",
        severity="warning",
        sentence=f"A missing code of {called(column)} should not be a legal value too: {', '.join(reasons)}.",
        remedy="See which was meant, and give the plan another code; the value counts as missing.",
        arguments={"reasons": reasons},
    ).on(form)


def _has_legal_codes(form: Form, column: Column) -> bool:
    """Return whether the labels are all legal values: beside a range they only name some of them."""
    is_item = column.name not in form.columns
    return bool(column.labels) and (is_item or column.type in {"category", "text"} or column.range is None)


def _among_codes(form: Form, column: Column) -> Rule:
    known = ", ".join(code if code == label else f"{code} = {label}" for code, label in column.labels.items())
    return Must(
        dimension="code",
        check="in_set",
        columns=(column.name,),
        severity=severity_of(form, column),
        sentence=f"{called(column)} must be one of the declared codes: {known}.",
        remedy=REMEDY,
        arguments={"values": tuple(typed(code, column) for code in column.labels)},
    ).on(form)


def typed(code: str, column: Column) -> str | int | float:
    """Return a code of the trial file as the column holds it."""
    if column.type == "integer":
        return int(float(code))
    return float(code) if column.type == "number" else code


def _in_range(form: Form, column: Column, limits: tuple[float, float]) -> Rule:
    low, high = limits
    unit = f" {column.unit}" if column.unit else ""
    return Must(
        dimension="range",
        check="between",
        columns=(column.name,),
        severity=severity_of(form, column),
        sentence=f"{called(column)} must be from {low:g} to {high:g}{unit}.",
        remedy=REMEDY,
        arguments={"low": low, "high": high},
    ).on(form)
