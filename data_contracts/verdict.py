"""Findings in, verdict out: what is accepted, set aside, asked about, or withheld. Not here: judging (judge).

Each record is judged on its own. Where a participant's registration or allocation is set aside, their
records in other forms stay accepted: the analysis set holds only participants who are accepted in both, so
nobody is analysed in part, and mending one record brings the whole person back.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.queries import cell_text, listing, queries_of
from data_contracts.rules import Finding, Rule, Verdict
from data_contracts.spec import Trial

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
    reasons = tuple(_why(finding, trial) for finding in findings if _withholds(finding))
    failed = [finding for finding in findings if not finding.passed]
    quarantine = _quarantine(forms, failed)
    aside = {name: quarantine.loc[quarantine["form"] == name, "row"] for name in forms}
    accepted = {name: form.values.drop(index=list(aside[name])) for name, form in forms.items()}
    return Verdict(
        findings=tuple(findings),
        withheld=bool(reasons),
        reasons=reasons,
        accepted=accepted,
        quarantine=quarantine,
        queries=listing(queries_of(forms, trial, failed)),
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


def _quarantine(forms: Mapping[str, ReadForm], failed: Sequence[Finding]) -> pd.DataFrame:
    """Return the records set aside, one row each, with all rules they broke."""
    broken: dict[tuple[str, int], list[Rule]] = {}
    for name in forms:
        for finding in failed:
            if finding.rule.form == name and finding.rule.effect in SETS_ASIDE:
                for row in finding.rows:
                    broken.setdefault((name, row), []).append(finding.rule)
    records = [
        (
            name,
            row,
            cell_text(forms[name], row, "participant"),
            cell_text(forms[name], row, "visit"),
            "; ".join(rule.id for rule in rules),
            " ".join(rule.message for rule in rules),
        )
        for (name, row), rules in broken.items()
    ]
    return pd.DataFrame(records, columns=list(QUARANTINE_TYPES)).astype(QUARANTINE_TYPES)


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
