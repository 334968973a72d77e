"""What looks unlikely: copied records, columns that say nothing. Not here: repeated keys (keys).

Notes only: each can be true. They are for whoever looks for a slip in an export, or for something worse.
"""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import PLAN_COLUMNS, Must, columns_in

FEWEST_COLUMNS = 4  # that tell records apart: fewer repeat by chance


def pattern_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the note on silent columns, and on forms of visits the note on copied records."""
    telling = tuple(c.name for c in columns_in(form, trial) if c.name not in {*PLAN_COLUMNS, *form.key})
    if telling:
        yield _varied(form, telling)
    copied = tuple(
        c.name
        for c in columns_in(form, trial)
        if c.name in telling and c.type in {"integer", "number", "category"}
    )
    if form.kind == "visits" and len(copied) >= FEWEST_COLUMNS:
        yield _not_copied(form, copied)


def _varied(form: Form, columns: tuple[str, ...]) -> Rule:
    return Must(
        dimension="pattern",
        check="varied",
        columns=columns,
        about="silent",
        severity="info",
        sentence="Each column should hold values, and more than one.",
        remedy="See whether the export lost them.",
    ).on(form)


def _not_copied(form: Form, columns: tuple[str, ...]) -> Rule:
    return Must(
        dimension="pattern",
        check="not_copied",
        columns=columns,
        about="copied",
        severity="info",
        sentence="No two records should hold the same values throughout.",
        remedy="See whether one was copied from another participant or visit.",
    ).on(form)
