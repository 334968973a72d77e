"""Rules and forms in, findings out, by Great Expectations: the only module that knows it.

Not here: which expectations (expectations), reading the answers (judged), what follows (verdict), the look of
the pages (data_docs).

A form is judged as one batch by one suite and one validator: BASIC first, then COMPLETE for what failed.
The expectations are Great Expectations' own, by name and in a saved suite; in this process they ask for the
metrics of `column_conditions` instead of theirs. docs/decisions/0012 says why, with what it saves.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.checking_frame import checking_frame, is_judgeable, without_records
from data_contracts.column_conditions import CONDITIONS, Conditioned
from data_contracts.data_docs import write_docs
from data_contracts.evidence import Evidence
from data_contracts.expectations import expectation_of
from data_contracts.forms import ReadForm
from data_contracts.judged import Judged, Results, expected, judged, page
from data_contracts.rules import Finding, Rule
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import pandas as pd

# No values in a result: the pages show counts and rows, and only the query listing shows what was found.
# No names of index columns either: with them each record is looked up by itself, without them the index
# comes as one list.
BASIC = {"result_format": "BASIC", "partial_unexpected_count": 0}
COMPLETE = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}
LISTS_ROWS = "ExpectColumnValuesToNotBeNull", *CONDITIONS


def judge(
    forms: Mapping[str, ReadForm],
    trial: Trial,
    rules: Sequence[Rule],
    docs: Path | None = None,
    today: "date | None" = None,
) -> tuple[Finding, ...]:
    """Return a finding per rule of the forms that were read.

    Args:
        forms: The forms as read; an optional form that is absent has no findings.
        trial: The trial.
        rules: Its rules.
        docs: The folder to write the validation pages (Data Docs) into; None writes none.
        today: The day by which visits are overdue and dates in the future; else that of the newest export.

    Raises:
        StorageError: the pages can't be written.
    """
    batches, evidence = _batches(_context()), Evidence.of(forms, trial, today)
    by_form = {
        name: _judge_form(batches, name, evidence, tuple(r for r in rules if r.form == name))
        for name in trial.forms
        if name in forms
    }
    if docs is not None:
        view = _view()
        pages = [page(trial.forms[n], one, lambda r: _table(r, view)) for n, one in by_form.items()]
        write_docs(pages, trial, docs)
    return tuple(finding for one in by_form.values() for finding in one.findings)


def save_suites(trial: Trial, rules: Sequence[Rule], folder: Path) -> tuple[Path, ...]:
    """Write a Great Expectations project into a folder: a suite, a batch and a checkpoint for each form.

    Args:
        trial: The trial.
        rules: Its rules.
        folder: Where the project goes, as `gx/` below it; what it holds of this trial is replaced.

    Returns:
        The suites' files.
    """
    import great_expectations as gx

    folder.mkdir(parents=True, exist_ok=True)
    context = gx.get_context(mode="file", project_root_dir=folder)
    context.enable_analytics(enable=False)
    source = context.data_sources.add_or_update_pandas(trial.name)
    evidence = Evidence.of({name: without_records(trial, form) for name, form in trial.forms.items()}, trial)
    for name in trial.forms:
        of_form = tuple(rule for rule in rules if rule.form == name)
        frame = checking_frame(name, evidence, of_form)
        _save_form(context, source, name, [_expectation(rule, frame) for rule in of_form])
    return tuple(sorted((folder / "gx" / "expectations").glob("*.json")))


def _save_form(context: Any, source: Any, name: str, expectations: list[Any]) -> None:
    """Add a form's suite, batch, validation and checkpoint to a context that keeps them as files."""
    import great_expectations as gx

    suite = context.suites.add_or_update(gx.ExpectationSuite(name=name, expectations=expectations))
    batches = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("records")
    validation = gx.ValidationDefinition(name=name, data=batches, suite=suite)
    context.validation_definitions.add_or_update(validation)
    docs = gx.checkpoint.UpdateDataDocsAction(name="data docs")
    context.checkpoints.add_or_update(
        gx.Checkpoint(name=name, validation_definitions=[validation], actions=[docs], result_format=BASIC)
    )


def load() -> None:
    """Import Great Expectations and judge nothing once: some seconds, so that the first answer is quick."""
    import pandas as pd

    rule = Rule("warm", "warm", "schema", "has_rows", (), "info", "note", "At least one record.", "")
    frame = pd.DataFrame({"warm": [1]})
    validator = _validator(_batches(_context()), frame)
    _table(list(_validate(validator, "warm", frame, (rule,), BASIC).values()), _view())


def _context() -> Any:
    """Return a context that keeps to memory, sends nothing and draws no bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _batches(context: Any) -> Any:
    """Return what makes a frame a batch.

    One for all forms: each data source or asset added costs 20 ms, since the context's settings are saved.
    """
    asset = context.data_sources.add_pandas("trial").add_dataframe_asset("form")
    return asset.add_batch_definition_whole_dataframe("records")


def _judge_form(batches: Any, name: str, evidence: Evidence, rules: tuple[Rule, ...]) -> Judged:
    judgeable = tuple(rule for rule in rules if is_judgeable(rule, evidence))
    frame = checking_frame(name, evidence, judgeable)
    validator = _validator(batches, frame)
    results = dict(_validate(validator, name, frame, judgeable, BASIC))
    failed = tuple(rule for rule in judgeable if not results[rule.id].success)
    results |= _validate(validator, f"{name}, failed", frame, failed, COMPLETE)
    return judged(rules, results, len(frame))


def _validator(batches: Any, frame: "pd.DataFrame") -> Any:
    """Return the validator of one frame; a batch's own `validate` makes one each time, and hashes the frame."""
    from great_expectations.validator.v1_validator import Validator

    return Validator(batches, batch_parameters={"dataframe": frame})


def _validate(
    validator: Any,
    name: str,
    frame: "pd.DataFrame",
    rules: tuple[Rule, ...],
    result_format: Mapping[str, Any],
) -> Results:
    """Return Great Expectations' result on each rule."""
    from great_expectations.core.expectation_suite import ExpectationSuite

    if not rules:
        return {}
    suite = ExpectationSuite(name=name, expectations=[_expectation(rule, frame) for rule in rules])
    validator.result_format = dict(result_format)
    result = validator.validate_expectation_suite(suite)
    return {one.expectation_config.meta["rule"]: one for one in result.results}


def _expectation(rule: Rule, frame: "pd.DataFrame") -> Any:
    import great_expectations.expectations as gxe

    kind, arguments = expectation_of(rule, frame)
    meta = {"rule": rule.id, "dimension": rule.dimension, "effect": rule.effect, "owner": rule.owner}
    made = _ours().get(kind) or getattr(gxe, kind)
    return made(**arguments, severity=rule.severity, description=expected(rule), meta=meta)


@cache
def _ours() -> Mapping[str, Any]:
    """Return the expectations on the values of one column, by the names of those whose place they take."""
    import great_expectations.expectations as gxe

    with _unannounced():
        metrics = {kind: _metric(kind, condition) for kind, condition in CONDITIONS.items()}
        bases = {kind: getattr(gxe, kind) for kind in LISTS_ROWS}
        return {
            kind: type(
                kind,
                (base,),
                {
                    "__module__": __name__,
                    "map_metric": metrics.get(kind, base.map_metric),
                    "get_validation_dependencies": _dependencies,
                },
            )
            for kind, base in bases.items()
        }


def _metric(kind: str, condition: Conditioned) -> str:
    """Register a condition as a metric for pandas and return its name."""
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.metrics.map_metric_provider import (
        ColumnMapMetricProvider,
        column_condition_partial,
    )

    def holds(_: type, column: "pd.Series", **given: Any) -> "pd.Series":
        return condition.holds(column, *(given[name] for name in condition.arguments))

    name = f"column_values.srt.{condition.holds.__name__}"
    members = {
        "condition_metric_name": name,
        "condition_value_keys": condition.arguments,
        "filter_column_isnull": False,  # else the whole table is copied, four times an expectation
        "_pandas": column_condition_partial(engine=PandasExecutionEngine)(holds),
    }
    type(f"{kind}Metric", (ColumnMapMetricProvider,), members)  # registers itself
    return name


def _dependencies(expectation: Any, _engine: Any = None, runtime_configuration: Any = None, **_: Any) -> Any:
    """Return the metrics an expectation needs: counts and, where records are listed, their index.

    The base class asks for the values found as well, and builds the expectation anew for each metric.
    """
    from great_expectations.expectations.expectation_configuration import parse_result_format
    from great_expectations.expectations.registry import get_metric_kwargs
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validator import ValidationDependencies

    # With its defaults, which Great Expectations fills in somewhere on the way: a metric is known by it.
    result_format = parse_result_format(dict(runtime_configuration["result_format"]))
    names = ["column_values.nonnull.unexpected_count", "table.row_count"]
    names.append(f"{expectation.map_metric}.unexpected_count")
    if result_format["result_format"] == "COMPLETE":
        names.append(f"{expectation.map_metric}.unexpected_index_list")
    needed = {}
    for name in dict.fromkeys(names):
        keys = get_metric_kwargs(name)
        domain = {key: getattr(expectation, key, None) for key in keys["metric_domain_keys"]}
        values = {key: getattr(expectation, key, None) for key in keys["metric_value_keys"]}
        if "result_format" in values:
            values["result_format"] = result_format
        needed[name] = MetricConfiguration(name, domain, values)
    return ValidationDependencies(metric_configurations=needed, result_format=result_format)


@contextmanager
def _unannounced() -> "Iterator[None]":
    """Keep Great Expectations from warning that a name of its own is given anew: that is the purpose."""
    registry = logging.getLogger("great_expectations.expectations.registry")
    level = registry.level
    registry.setLevel(logging.ERROR)
    try:
        yield
    finally:
        registry.setLevel(level)


def _view() -> Any:
    """Return what turns Great Expectations' tables into HTML; it compiles its templates once."""
    from great_expectations.render.view import DefaultJinjaComponentView

    return DefaultJinjaComponentView()


def _table(results: list[Any], view: Any) -> str:
    from great_expectations.render.renderer.content_block import ValidationResultsTableContentBlockRenderer

    content = ValidationResultsTableContentBlockRenderer.render(results, include_column_name=True)
    return str(view.render({"content_block": content.to_json_dict()}))
