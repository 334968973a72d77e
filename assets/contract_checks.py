"""The contract as Dagster's asset checks: a check per subject, not one per rule. Not here: the rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown

if TYPE_CHECKING:
    from data_contracts.rules import Finding, Verdict

# One check per subject keeps the page readable and the night short: a check costs as much as a rule does.
SUBJECTS = {
    "structure": (
        ("schema", "key", "type", "pattern"),
        "Every column is there, of its type, and each key is unique; no record is a copy of another.",
    ),
    "completeness": (("completeness",), "What must be filled in is."),
    "codes_and_ranges": (
        ("code", "range", "text"),
        "Values are among the codes and within the ranges declared.",
    ),
    "visits_and_dates": (("visit", "date"), "Visits are planned ones, in their windows; dates are in order."),
    "allocation": (
        ("allocation", "randomisation"),
        "Each participant is in one arm of the plan, and the list keeps its sequence, blocks and ratio.",
    ),
    "eligibility": (("eligibility",), "Who was randomised met the criteria of entry."),
    "references": (("reference",), "Every record belongs to a participant who exists."),
    "totals": (("arithmetic",), "Totals equal the sum of their parts."),
    "own_rules": (("written",), "The rules that the trial's file writes out itself hold."),
}
ROWS_ADD_UP = "rows_add_up"


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the checks of the verdict."""
    specs = [
        dg.AssetCheckSpec(name, asset=asset, description=description)
        for name, (_, description) in SUBJECTS.items()
    ]
    rows = "In each form, the rows read are those accepted and those quarantined."
    return [*specs, dg.AssetCheckSpec(ROWS_ADD_UP, asset=asset, description=rows)]


def check_results(verdict: "Verdict") -> list[dg.AssetCheckResult]:
    """Return a result per subject: an error where a critical rule broke, else a warning."""
    by_subject = [_result(name, verdict, dimensions) for name, (dimensions, _) in SUBJECTS.items()]
    return [*by_subject, _rows_add_up(verdict)]


def _result(name: str, verdict: "Verdict", dimensions: tuple[str, ...]) -> dg.AssetCheckResult:
    findings = [f for f in verdict.findings if f.rule.dimension in dimensions]
    broken = [f for f in findings if not f.passed]
    return dg.AssetCheckResult(
        check_name=name,
        passed=not any(f.rule.effect != "note" or f.error for f in broken),
        severity=dg.AssetCheckSeverity.ERROR
        if any(map(_is_critical, broken))
        else dg.AssetCheckSeverity.WARN,
        metadata={"rules": len(findings), "rules broken": len(broken), "broken": _table(broken)},
    )


def _is_critical(finding: "Finding") -> bool:
    return finding.rule.severity == "critical" or finding.rule.effect == "withhold" or bool(finding.error)


def _table(broken: "list[Finding]") -> dg.MarkdownMetadataValue:
    header = ("rule", "severity", "effect", "records", "of", "message")
    return shown.rows(header, list(_rows(broken[: shown.MOST_ROWS])), left_out=len(broken) - shown.MOST_ROWS)


def _rows(broken: "list[Finding]") -> Iterator[tuple[Any, ...]]:
    for f in broken:
        message = "the rule could not be evaluated" if f.error else f.rule.message
        yield f.rule.id, f.rule.severity, f.rule.effect, len(f.rows), f.n_checked, message


def _rows_add_up(verdict: "Verdict") -> dg.AssetCheckResult:
    counts = verdict.counts
    add_up = (counts["rows_in"] == counts["accepted"] + counts["quarantined"]).all()
    return dg.AssetCheckResult(
        check_name=ROWS_ADD_UP, passed=bool(add_up), metadata={"records": shown.table(counts)}
    )
