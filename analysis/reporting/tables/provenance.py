"""Where the numbers came from: files, hashes, versions, the run. Not here: gathering it (pipelines).

Keys of the provenance: `sources` (a list of mappings with form, file, sha256, size, modified), `plan_hash`,
`data_hash`, `code_version`, `packages` (name -> version), `seed`, `run_id`, `time` (UTC), `triggered_by`,
`allocation` ("true" or "shuffled"), `lock` (status, differs, locked, by).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.spec import Trial
from data_contracts.standing import said_of

UNKNOWN = "not recorded"
FACTS = {
    "time": "Made at (UTC)",
    "run_id": "Run",
    "triggered_by": "Started by",
    "plan_hash": "Plan, SHA-256",
    "data_hash": "Data, SHA-256",
    "code_version": "Code version",
    "seed": "Seed",
    "allocation": "Allocation",
    "lock": "Lock",
}


def sources_table(provenance: Mapping[str, Any], trial: Trial) -> Table:
    """Return a row per input file."""
    return Table(
        name="sources-table",
        caption="Files the data came from",
        columns=(
            Column("Form", "text"),
            Column("File", "code"),
            Column("Size"),
            Column("Modified (UTC)", "short"),
            Column("SHA-256", "code"),
        ),
        groups=one_group(_source_rows(provenance, trial)),
        empty="No source file was recorded.",
    )


def _source_rows(provenance: Mapping[str, Any], trial: Trial) -> Iterator[Row]:
    for source in provenance.get("sources", ()):
        form = source.get("form", "")
        label = trial.forms[form].label if form in trial.forms else form
        size = source.get("size")
        yield row(
            Cell(label),
            str(source.get("file", UNKNOWN)),
            UNKNOWN if size is None else numbers.file_size(float(size)),
            _moment(source.get("modified")),
            str(source.get("sha256", UNKNOWN)),
        )


def facts_table(provenance: Mapping[str, Any], trial: Trial) -> Table:
    """Return the run's facts: plan, data, code, seed, when and by whom."""
    values = {"plan_hash": trial.plan_hash, "seed": trial.seed} | dict(provenance)
    shown = {"time": _moment(values.get("time")), "lock": said_of(provenance.get("lock") or {})}
    rows = [row("Plan version", trial.plan_version)]
    rows += [row(label, shown.get(key) or str(values.get(key) or UNKNOWN)) for key, label in FACTS.items()]
    return Table(
        name="facts-table",
        caption="The run",
        columns=(Column("Fact", "text"), Column("Value", "code")),
        groups=one_group(rows),
    )


def packages_table(provenance: Mapping[str, Any]) -> Table:
    """Return a row per package that took part, with its version."""
    packages = dict(provenance.get("packages", {}))
    return Table(
        name="packages-table",
        caption="Software",
        columns=(Column("Package", "text"), Column("Version", "code")),
        groups=one_group(row(name, str(version)) for name, version in sorted(packages.items())),
        empty="No package version was recorded.",
    )


def _moment(moment: object) -> str:
    """Return a time to the second; text and datetimes alike."""
    text = str(moment or UNKNOWN).replace("T", " ")
    return text.removesuffix("Z").removesuffix("+00:00").partition(".")[0]
