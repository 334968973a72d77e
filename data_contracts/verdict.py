"""Findings in, verdict out: what is accepted, set aside, asked about, or withheld. Not here: judging (judge).

Each record is judged on its own. Where a participant's registration or allocation is set aside, their
records in other forms stay accepted. Who was randomised stays randomised: without a registration their
baseline characteristics are missing from the analysis set, without an allocation they are not in it.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.queries import cell_texts, query_listing
from data_contracts.rules import Finding, Rule, Verdict
from data_contracts.spec import Form, Trial

QUARANTINE_TYPES = {
    "form": "str",
    "row": "int64",
    "participant": "str",
    "visit": "str",
    "rule": "str",
    "reason": "str",
}
SETS_ASIDE = ("quarantine", "withhold")


def verdict_of(forms: Mapping[str, ReadForm], trial: Trial, findings: Sequence[Finding]) -> Verdict:
    """Return what follows from the findings; every record read is either accepted or set aside.

    Args:
        forms: The forms as read.
        trial: The trial.
        findings: What came of its rules.
    """
    failed = [finding for finding in findings if not finding.passed]
    quarantine = _quarantine(forms, failed)
    aside = {name: quarantine.loc[quarantine["form"] == name, "row"] for name in forms}
    accepted = {name: form.values[~form.values.index.isin(aside[name])] for name, form in forms.items()}
    reasons = [_why(finding, trial) for finding in findings if _withholds(finding)]
    reasons += [
        _nothing_left(trial.forms[name], failed)
        for name, form in forms.items()
        if len(form.values) and accepted[name].empty and not trial.forms[name].may_be_empty
    ]
    return Verdict(
        findings=tuple(findings),
        withheld=bool(reasons),
        reasons=tuple(reasons),
        accepted=accepted,
        quarantine=quarantine,
        queries=query_listing(forms, trial, failed),
        counts=_counts(forms, accepted, quarantine),
    )


def _withholds(finding: Finding) -> bool:
    return not finding.passed and (finding.rule.effect == "withhold" or bool(finding.error))


def _why(finding: Finding, trial: Trial) -> str:
    """Return why a finding withholds the data, as a sentence without a value."""
    form = trial.forms[finding.rule.form].label
    if finding.error:
        return f"{form}: the rule {finding.rule.id} could not be judged: {finding.error}."
    records = f" ({len(finding.rows)} records)" if len(finding.rows) > 1 else ""
    return f"{form}{records}: {finding.rule.message}"


def _nothing_left(form: Form, failed: Sequence[Finding]) -> str:
    """Return why a form of which every record was set aside withholds the data."""
    at_fault = [f for f in failed if f.rule.form == form.name and f.rule.effect in SETS_ASIDE]
    most = max(at_fault, key=lambda finding: len(finding.rows)).rule.message
    return (
        f"{form.label}: every record was set aside, most of them by one rule: {most} "
        "If identifiers don't match between forms, look for leading zeros or letter case that an export lost."
    )


def _quarantine(forms: Mapping[str, ReadForm], failed: Sequence[Finding]) -> pd.DataFrame:
    """Return the records set aside, one row each, with all rules they broke."""
    of_form = [_set_aside(form, failed) for form in forms.values()]
    whole = pd.concat(of_form, ignore_index=True) if of_form else pd.DataFrame(columns=list(QUARANTINE_TYPES))
    return whole.astype(QUARANTINE_TYPES)


def _set_aside(form: ReadForm, failed: Sequence[Finding]) -> pd.DataFrame:
    """Return a form's records set aside, in the order in which rules named them."""
    broken: dict[int, tuple[Rule, ...]] = {}
    for finding in failed:
        if finding.rule.form == form.name and finding.rule.effect in SETS_ASIDE:
            for row in finding.rows:
                broken[row] = (*broken.get(row, ()), finding.rule)
    rows = list(broken)
    return pd.DataFrame(
        {
            "form": [form.name] * len(rows),
            "row": rows,
            "participant": cell_texts(form, rows, "participant"),
            "visit": cell_texts(form, rows, "visit"),
            "rule": ["; ".join(rule.id for rule in rules) for rules in broken.values()],
            "reason": [" ".join(rule.message for rule in rules) for rules in broken.values()],
        }
    ).astype(QUARANTINE_TYPES)


def _counts(
    forms: Mapping[str, ReadForm], accepted: Mapping[str, pd.DataFrame], quarantine: pd.DataFrame
) -> pd.DataFrame:
    """Return rows in, accepted and set aside of each form; they must add up."""
    aside = quarantine["form"].value_counts()
    counts = pd.DataFrame(
        [
            (name, len(form.values), len(accepted[name]), int(aside.get(name, 0)))
            for name, form in forms.items()
        ],
        columns=["form", "rows_in", "accepted", "quarantined"],
    )
    if (counts["rows_in"] != counts["accepted"] + counts["quarantined"]).any():
        raise AssertionError("records in are not records accepted plus records set aside")
    return counts
