"""A total is the sum of its parts. Not here: scoring for the analysis (analysis.derive.scoring)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Column, Form, Trial
from data_contracts.suites.must import Must, called


def total_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per declared total, and per questionnaire whose own total is exported."""
    for total, parts in form.totals.items():
        yield _adds_up(form, trial.columns_of(form)[total], parts, {})
    for name, use in form.instruments.items():
        if use.total:
            items = tuple(column.name for column in trial.item_columns(form, name))
            exported = next(c for c in form.columns.values() if use.total in {c.name, c.source})
            yield _adds_up(form, exported, items, {"instrument": name})


def _adds_up(form: Form, total: Column, parts: tuple[str, ...], arguments: dict[str, str]) -> Rule:
    """Return the rule on one total; it is judged where the total and all its parts are there."""
    named = " + ".join(parts) if len(parts) <= 8 else f"its {len(parts)} parts"
    return Must(
        dimension="arithmetic",
        check="adds_up",
        columns=(total.name, *parts),
        about=total.name,
        severity=total.severity,
        sentence=f"{called(total)} must equal {named}.",
        remedy="Find which of them is wrong and correct it at source.",
        arguments=arguments,
    ).on(form)
