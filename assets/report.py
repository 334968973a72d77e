"""Hop 6: the trial's report. Not here: drawing it (analysis.reporting), its files (report_files)."""

import hashlib
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.carried import allocation_of
from assets.declared import STATISTICS, key, of_hop
from assets.failure import as_failure, told_to_dagster
from assets.ports import NEEDS, place_of
from assets.report_files import report_files
from assets.results import USABLE, primary_rows
from assets.shown_report import links_of, report_shown
from assets.source_version import REPORTING
from data_contracts.errors import ContractError, EstimationError, Problem
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

    from analysis.reporting.content import ReportContent
    from analysis.reporting.report import Report

INPUTS = ("landing", "checked", "queries", "analysis_set", "results")
MADE_FROM = {
    "data_hash": "data",
    "plan_hash": "plan",
    "code_version": "code",
    "allocation": "allocation",  # a table of true arms beside one of shuffled arms would tell who is who
}  # a fact of every table -> of what
DESCRIPTION = """The trial's report, as a page and as a Word document, made of the results table.

In it: the question, participant flow, recruitment, baseline characteristics, primary analysis, missing data,
cross-check and sensitivity, tipping point, model checks, secondary outcomes, subgroups, compliers, therapy delivered,
harms, estimands, methods, plan and deviations, data quality, provenance, CONSORT checklist.

Beside it: each table as CSV, each figure as SVG and PNG, the results as CSV and Parquet, the analysis set as CSV and
SPSS, and the open report, which is pooled over arms. Below: the headline, the primary comparison, and links.
"""
PACKAGES = (
    "dagster",
    "great_expectations",
    "linearmodels",
    "matplotlib",
    "numpy",
    "pandas",
    "pyreadstat",
    "scipy",
    "statsmodels",
)


def report(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that writes a trial's report."""

    @dg.asset(
        **of_hop(trial, "report", REPORTING, STATISTICS, ["html", "word"]),
        ins={name: dg.AssetIn(key(trial, name)) for name in INPUTS},
        required_resource_keys=NEEDS,
        description=DESCRIPTION,
    )
    def _report(  # noqa: PLR0913, PLR0917 - an argument per table the report is made of
        context: dg.AssetExecutionContext,
        landing: Tables,
        checked: Tables,
        queries: Tables,
        analysis_set: Tables,
        results: Tables,
    ) -> Iterator[dg.MaterializeResult[Tables]]:
        place = place_of(context)
        made = {
            "time": place.now(),
            "run_id": context.run.run_id,
            "triggered_by": _started_by(context.run.tags),
        }
        inputs = dict(zip(INPUTS, (landing, checked, queries, analysis_set, results), strict=True))
        with told_to_dagster():
            same_run(inputs, trial)
            content = _content(trial, inputs, made, place.report(trial.name), place.validation(trial.name))
            drawn = _drawn(content)
            place.publish(trial.name, report_files(content, drawn, analysis_set.frames["analysis_set"]))
            failure = not_estimated(results.frames["results"], trial)
            # A night whose comparison failed is not "published": the next night tries, and says so, again.
            facts = {**results.facts, "estimated": failure is None, "run_id": context.run.run_id}
            milestone = "not estimated" if failure else "published"
            line = place.reached(trial.name, context.run.run_id, milestone, results.facts)
            facts["audit_line"] = line  # a witness of the audit log, outside of it
        path = place.report(trial.name)
        yield dg.MaterializeResult(
            value=Tables({}, facts), metadata=_shown(path, facts, (drawn, trial), place.pages())
        )
        if failure is not None:
            raise as_failure(failure)

    return _report


def not_estimated(results: "pd.DataFrame", trial: Trial) -> EstimationError | None:
    """Return the error of a primary comparison without an estimate; None when every contrast has one."""
    rows = primary_rows(results, trial)
    failed = rows[~rows["status"].isin(USABLE)]
    if len(rows) and failed.empty:
        return None
    reasons = [(str(r.contrast), str(r.reason)) for r in failed.itertuples()] or [
        ("primary", "no comparison at all")
    ]
    problems = [Problem(contrast, reason, "an estimate with limits") for contrast, reason in reasons]
    return EstimationError(f"The primary comparison of {trial.name} could not be estimated.", problems)


def same_run(inputs: Mapping[str, Tables], trial: Trial) -> None:
    """Refuse to put one night's verdict beside another night's results.

    Raises:
        ContractError: a table is of other data, of another plan or of other code than the results.
    """
    found = [
        Problem(
            f"{trial.name}/{name}", f"other {what} than the results'", "the same", "Run the trial as a whole."
        )
        for name, tables in inputs.items()
        for fact, what in MADE_FROM.items()
        if _made_from(tables, fact) != _made_from(inputs["results"], fact)
    ]
    if found:
        raise ContractError(f"The tables of {trial.name} do not belong together.", found)


def _made_from(tables: Tables, fact: str) -> Any:
    return allocation_of(tables.facts) if fact == "allocation" else tables.facts.get(fact)


def _content(
    trial: Trial, inputs: Mapping[str, Tables], made: Mapping[str, Any], report: Path, validation: Path
) -> "ReportContent":
    from analysis.reporting.content import ReportContent
    from assets.query_states import query_states

    checked = inputs["checked"].frames
    page = (validation / "index.html").relative_to(report.parent).as_posix()
    return ReportContent(
        trial=trial,
        results=inputs["results"].frames["results"],
        counts=checked["counts"],
        findings=checked["findings"],
        queries=query_states(inputs["queries"]),
        provenance=_provenance(trial, inputs, made),
        notes=tuple(inputs["analysis_set"].facts["notes"]),
        links={"Validation report": page},
    )


def _provenance(trial: Trial, inputs: Mapping[str, Tables], made: Mapping[str, Any]) -> Mapping[str, Any]:
    from analysis.reporting.exports.files import results_parquet

    files = inputs["landing"].facts["files"]
    return {
        **made,
        **shown.hashes(inputs["results"].facts),
        "allocation": allocation_of(inputs["results"].facts),
        "lock": inputs["results"].facts.get("lock", {}),
        "seed": trial.seed,
        "sources": [{"form": form, "file": file["name"], **file} for form, file in files.items()],
        "packages": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "results_rows": len(inputs["results"].frames["results"]),
        "results_sha256": hashlib.sha256(results_parquet(inputs["results"].frames["results"])).hexdigest(),
    }


def _drawn(content: "ReportContent") -> "Report":
    from analysis.reporting.document import make_report

    return make_report(content)


def _started_by(tags: Mapping[str, str]) -> str:
    for tag, what in (("dagster/schedule_name", "schedule"), ("dagster/sensor_name", "sensor")):
        if tag in tags:
            return f"{what} {tags[tag]}"
    return tags.get("srt/started_by", "a person, in Dagster")


def _shown(path: Path, facts: Mapping[str, Any], drawn: "tuple[Report, Trial]", pages: str) -> dict[str, Any]:
    said = report_shown(*drawn, links_of(path, pages))
    return {**said, "report": shown.link(path), "bytes": path.stat().st_size, **shown.hashes(facts)}
