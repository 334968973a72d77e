"""The rules a trial's file writes out itself, `[checks.NAME]`. Not here: how they are spelt (data_contracts.check)."""

from collections.abc import Iterator

from data_contracts.check import Check
from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must


def written_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per check that names this form, in the trial's own words."""
    for check in trial.checks.values():
        if check.form == form.name:
            yield _written(form, check)


def _written(form: Form, check: Check) -> Rule:
    return Must(
        dimension="written",
        check="written",
        columns=check.columns,
        about=check.name,
        severity=check.severity,
        sentence=check.message,
        remedy="",
        arguments={"must": check.must, "when": check.when},
        owner=check.owner,
        reveals_allocation="arm" in check.columns,
    ).on(form)
