"""Who was randomised met the criteria of entry. Not here: whether a value is possible (codes_and_ranges)."""

from collections.abc import Iterator

from data_contracts.operations import Eligible
from data_contracts.rules import Rule
from data_contracts.spec import Column, Form, Trial
from data_contracts.suites.codes_and_ranges import typed
from data_contracts.suites.must import Must

REMEDY = "Check the value; if it is right, log the deviation: who was randomised stays in the trial."


def eligibility_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per criterion on this form; an ineligible participant is asked about, as critical.

    Nobody is left out for it: the analysis is of all who were randomised.
    """
    for criterion in trial.eligibility:
        of, name = criterion.column.split(".")
        if of == form.name:
            yield _met(form, trial.columns_of(form)[name], criterion)


def _met(form: Form, column: Column, criterion: Eligible) -> Rule:
    limits: dict[str, object]
    if criterion.range is not None:
        low, high = criterion.range
        check, limits = "eligible_range", {"low": low, "high": high}
        wanted = f"from {low:g} to {high:g}{f' {column.unit}' if column.unit else ''}"
    else:
        codes = tuple(typed(code, column) for code in criterion.codes)
        check, limits = "eligible_code", {"values": codes}
        wanted = f"one of: {', '.join(column.labels.get(code, code) for code in criterion.codes)}"
    return Must(
        dimension="eligibility",
        check=check,
        columns=(column.name,),
        severity="critical",
        effect="query",
        sentence=f"{criterion.label}: at entry it must be {wanted}.",
        remedy=REMEDY,
        arguments={**limits, "legal": column.range if column.type in {"integer", "number"} else None},
    ).on(form)
