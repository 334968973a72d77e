"""Rules and forms in, findings out, by Great Expectations: the only module that knows it.

Not here: which expectations (expectations), what follows (verdict), the look of the pages (data_docs).

A form is judged as one batch by one suite: BASIC first, then COMPLETE for what failed, since the list of
rows costs as much for a rule that passed.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.checking_frame import Evidence, checking_frame, is_judgeable
from data_contracts.data_docs import FormPage, write_docs
from data_contracts.expectations import expectation_of
from data_contracts.forms import ROW, ReadForm
from data_contracts.rules import Finding, Rule
from data_contracts.spec import Trial

if TYPE_CHECKING:
    import pandas as pd

# No values in a result: the pages show counts and rows, and only the query listing shows what was found.
BASIC = {"result_format": "BASIC", "partial_unexpected_count": 0}
COMPLETE = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "unexpected_index_column_names": [ROW],
    "return_unexpected_index_query": False,
}
SHOWN_ROWS = 20  # of a failed rule, on its page
Results = Mapping[str, Any]  # rule id -> Great Expectations' result


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The findings on one form, and the results behind them."""

    findings: tuple[Finding, ...]
    results: Results


def judge(
    forms: Mapping[str, ReadForm], trial: Trial, rules: Sequence[Rule], docs: Path | None = None
) -> tuple[Finding, ...]:
    """Return a finding per rule of the forms that were read.

    Args:
        forms: The forms as read; an optional form that is absent has no findings.
        trial: The trial.
        rules: Its rules.
        docs: The folder to write the validation pages (Data Docs) into; None writes none.

    Raises:
        StorageError: the pages can't be written.
    """
    batches, evidence = _batches(), Evidence.of(forms, trial)
    judged = {
        name: _judge_form(batches, name, evidence, tuple(r for r in rules if r.form == name))
        for name in trial.forms
        if name in forms
    }
    if docs is not None:
        view = _view()
        write_docs([_page(name, one, evidence, view) for name, one in judged.items()], trial, docs)
    return tuple(finding for one in judged.values() for finding in one.findings)


def load() -> None:
    """Import Great Expectations and judge nothing once: some seconds, so that the first answer is quick."""
    import pandas as pd

    rule = Rule("warm", "warm", "schema", "has_rows", (), "info", "note", "At least one record.", "")
    frame = pd.DataFrame({ROW: [1]})
    _results_table(list(_validate(_batches(), "warm", frame, (rule,), BASIC).values()), _view())


def _batches() -> Any:
    """Return what makes a frame a batch, in a context that keeps to memory, sends nothing and draws no bars.

    One for all forms: each data source or asset added costs 20 ms, since the context's settings are saved.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("trial").add_dataframe_asset("form")
    return asset.add_batch_definition_whole_dataframe("records")


def _judge_form(batches: Any, name: str, evidence: Evidence, rules: tuple[Rule, ...]) -> Judged:
    judgeable = tuple(rule for rule in rules if is_judgeable(rule, evidence))
    frame = checking_frame(name, evidence, judgeable)
    results = dict(_validate(batches, name, frame, judgeable, BASIC))
    failed = tuple(rule for rule in judgeable if not results[rule.id].success)
    results |= _validate(batches, f"{name}, failed", frame, failed, COMPLETE)
    return Judged(tuple(_finding(rule, results.get(rule.id), len(frame)) for rule in rules), results)


def _validate(
    batches: Any, name: str, frame: "pd.DataFrame", rules: tuple[Rule, ...], result_format: Mapping[str, Any]
) -> Results:
    """Return Great Expectations' result on each rule."""
    from great_expectations.core.expectation_suite import ExpectationSuite

    if not rules:
        return {}
    suite = ExpectationSuite(name=name, expectations=[_expectation(rule, frame) for rule in rules])
    batch = batches.get_batch(batch_parameters={"dataframe": frame})
    result = batch.validate(suite, result_format=dict(result_format))
    return {one.expectation_config.meta["rule"]: one for one in result.results}


def _expectation(rule: Rule, frame: "pd.DataFrame") -> Any:
    import great_expectations.expectations as gxe

    kind, arguments = expectation_of(rule, frame)
    meta = {"rule": rule.id, "dimension": rule.dimension, "effect": rule.effect, "owner": rule.owner}
    return getattr(gxe, kind)(**arguments, severity=rule.severity, description=_expected(rule), meta=meta)


def _expected(rule: Rule) -> str:
    """Return what a rule expects, without what to do where it fails."""
    return str(rule.arguments.get("sentence", rule.message))


def _finding(rule: Rule, result: Any, n_rows: int) -> Finding:
    """Return what a result says; a rule on a column that the file lacks has nothing to check."""
    if result is None:
        return Finding(rule, passed=True)
    if error := _error(result):
        return Finding(rule, passed=False, error=error)
    found = result.result
    rows = tuple(sorted(int(one[ROW]) for one in found.get("unexpected_index_list") or ()))
    n_checked = found.get("element_count", n_rows) - found.get("missing_count", 0)
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


def _page(name: str, judged: Judged, evidence: Evidence, view: Any) -> FormPage:
    """Return a form's page: Great Expectations' own table for each dimension of quality."""
    sections: dict[str, list[Any]] = {}
    for finding in judged.findings:
        if finding.rule.id in judged.results:
            result = _with_words(judged.results[finding.rule.id], finding)
            sections.setdefault(finding.rule.dimension, []).append(result)
    tables = {dimension: _results_table(results, view) for dimension, results in sections.items()}
    return FormPage(evidence.trial.forms[name], len(evidence.forms[name].values), judged.findings, tables)


def _with_words(result: Any, finding: Finding) -> Any:
    """Return a result to be shown in the rule's own words, a failure with what to do and with its records."""
    shown = ", ".join(map(str, finding.rows[:SHOWN_ROWS])) + (" …" if len(finding.rows) > SHOWN_ROWS else "")
    more = f" Records: {shown}." if shown else f" {finding.error}" if finding.error else ""
    words = html.escape(finding.rule.message + more if not finding.passed else _expected(finding.rule))
    badge = f'<span class="badge {finding.rule.severity}">{finding.rule.severity}</span> '
    result.expectation_config.description = ("" if finding.passed else badge) + words.replace("$", "$$")
    return result


def _view() -> Any:
    """Return what turns Great Expectations' tables into HTML; it compiles its templates once."""
    from great_expectations.render.view import DefaultJinjaComponentView

    return DefaultJinjaComponentView()


def _results_table(results: list[Any], view: Any) -> str:
    from great_expectations.render.renderer.content_block import ValidationResultsTableContentBlockRenderer

    content = ValidationResultsTableContentBlockRenderer.render(results, include_column_name=True)
    return str(view.render({"content_block": content.to_json_dict()}))
