"""What Great Expectations answered, as findings and as what a page shows. Not here: asking it (judge)."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_contracts.data_docs import FormPage
from data_contracts.rules import Finding, Rule
from data_contracts.spec import Form

SHOWN_ROWS = 20  # of a failed rule, on its page
Results = Mapping[str, Any]  # rule id -> Great Expectations' result
Drawn = Callable[[list[Any]], str]  # results in, an HTML table out


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The findings on one form, the results behind them, and how many records it has."""

    findings: tuple[Finding, ...]
    results: Results
    n_rows: int


def judged(rules: Sequence[Rule], results: Results, n_rows: int) -> Judged:
    """Return the findings on a form of so many records; a rule on an absent column has no result."""
    return Judged(tuple(_finding(rule, results.get(rule.id), n_rows) for rule in rules), results, n_rows)


def expected(rule: Rule) -> str:
    """Return what a rule expects, without what to do where it fails."""
    return str(rule.arguments.get("sentence", rule.message))


def page(form: Form, one: Judged, draw: Drawn) -> FormPage:
    """Return a form's page: Great Expectations' own table for each dimension of quality."""
    sections: dict[str, list[Any]] = {}
    for finding in one.findings:
        if finding.rule.id in one.results:
            result = _with_words(one.results[finding.rule.id], finding)
            sections.setdefault(finding.rule.dimension, []).append(result)
    tables = {dimension: draw(results) for dimension, results in sections.items()}
    return FormPage(form, one.n_rows, one.findings, tables)


def _finding(rule: Rule, result: Any, n_rows: int) -> Finding:
    """Return what a result says; a rule on a column that the file lacks has nothing to check."""
    if result is None:
        return Finding(rule, passed=True)
    if error := _error(result):
        return Finding(rule, passed=False, error=error)
    found = result.result
    rows = tuple(sorted(map(int, found.get("unexpected_index_list") or ())))
    n_checked = found.get("element_count", n_rows) - found.get("missing_count", 0)
    if found.get("unexpected_count", len(rows)) != len(rows):
        return Finding(rule, passed=False, error="Great Expectations counted other records than it listed")
    return Finding(rule, passed=bool(result.success), rows=rows, n_checked=int(n_checked))


def _error(result: Any) -> str:
    """Return why a rule could not be evaluated, or "": the kind of error only, its text may hold a value."""
    info = result.exception_info or {}
    nested = [one for one in info.values() if isinstance(one, Mapping)] or [info]
    raised = [one for one in nested if one.get("raised_exception")]
    if not raised:
        return ""
    last = str(raised[0].get("exception_traceback") or "").strip().rsplit("\n", 1)[-1]
    return f"Great Expectations could not evaluate the rule ({last.split(':')[0] or 'no reason given'})"


def _with_words(result: Any, finding: Finding) -> Any:
    """Return a result to be shown in the rule's own words, a failure with what to do and with its records."""
    shown = ", ".join(map(str, finding.rows[:SHOWN_ROWS])) + (" …" if len(finding.rows) > SHOWN_ROWS else "")
    shown = f"{len(finding.rows)} in all" if finding.rule.reveals_allocation else shown
    more = f" Records: {shown}." if shown else f" {finding.error}" if finding.error else ""
    words = html.escape(finding.rule.message + more if not finding.passed else expected(finding.rule))
    badge = f'<span class="badge {finding.rule.severity}">{finding.rule.severity}</span> '
    result.expectation_config.description = ("" if finding.passed else badge) + words.replace("$", "$$")
    return result
