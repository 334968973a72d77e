"""Each cell can be read as its column's type. Not here: whether the value is legal."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Severity, Trial
from data_contracts.suites.must import Must, columns_in, severity_of

SHOWN = 6  # columns named in a message
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


def type_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per severity, over all columns of that severity; each unreadable cell makes its own query.

    One rule for many columns, since a rule costs the same however many columns it covers.
    """
    for severity in SEVERITIES:
        columns = tuple(c.name for c in columns_in(form, trial) if severity_of(form, c) == severity)
        if columns:
            yield Must(
                dimension="type",
                check="readable",
                columns=columns,
                about=severity,
                severity=severity,
                sentence=f"Each cell of {_named(columns)} must be readable as its column's type.",
                remedy="Correct the value at source; meanwhile it counts as missing.",
            ).on(form)


def _named(columns: tuple[str, ...]) -> str:
    return (
        ", ".join(columns)
        if len(columns) <= SHOWN
        else f"{', '.join(columns[:SHOWN])} and {len(columns) - SHOWN} more"
    )
