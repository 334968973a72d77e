"""Where the numbers came from: files, hashes, versions, the run, and how to get them again. Not here: gathering it.

Keys of the provenance: `sources` (a list of mappings with form, file, sha256, size, modified), `plan_hash`,
`data_hash`, `code_version`, `python`, `platform`, `packages` (name -> version), `seed`, `run_id`, `time` (UTC),
`triggered_by`, `reason` (where one was given), `allocation` ("true", "shuffled" or "letters"), `lock` (status, state,
differs, locked, by, unblinded, unblinded_by), `results_rows`, `results_sha256` (of its Parquet file; in the closed
report `results_csv_sha256`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Row, Table, one_group, row
from data_contracts.sealing import SEALED
from data_contracts.spec import Trial
from data_contracts.standing import SHUFFLED, said_of

UNKNOWN = "not recorded"
NOT_SHOWN = "not shown here"  # known, and left out for this audience
KEYED = (
    f"Hashes that begin with {SEALED} are keyed while the trial is blinded: a plain one of a file that tells the arms "
    "would let anybody try allocations until one fits."
)
RUN = {"time": "Made at (UTC)", "run_id": "Run", "triggered_by": "Started by"}
REASON = {"reason": "Reason given"}
MADE_FROM = {
    "plan_hash": "Trial definition, SHA-256",
    "data_hash": "Data, SHA-256 over the files' hashes",
    "code_version": "Code version",
    "python": "Python",
    "platform": "Platform",
    "seed": "Seed of all random numbers",
}
CAME_OUT = {
    "results_rows": "Rows of the results table",
    "results_sha256": "The same as a Parquet file, SHA-256",
}
CLOSED_CAME_OUT = {
    "results_rows": "Rows of results-closed.csv",
    "results_csv_sha256": "results-closed.csv, SHA-256",
}
ALLOCATIONS = {
    "letters": "true, arms by letters",
    SHUFFLED: "shuffled: the arms are not the true ones",
    "true": "true",
}


def facts_table(provenance: Mapping[str, Any], trial: Trial) -> Table:
    """Return the run's facts: when and by whom, from what, whose arms, what came out."""
    values = {"plan_hash": trial.plan_hash, "seed": trial.seed, **provenance}
    values["time"] = _moment(values.get("time"))
    plan = row("Plan version", trial.plan_version)
    return Table(
        name="facts-table",
        caption="The run",
        columns=(Column("Fact", "text"), Column("Value", "code")),
        groups=(
            Group(tuple(_facts(RUN | (REASON if values.get("reason") else {}), values)), "The run"),
            Group((plan, *_facts(MADE_FROM, values)), "Made from"),
            Group(tuple(_standing(provenance, trial)), "Blinding and lock"),
            Group(tuple(_facts(_came_out(provenance), values)), "What came out"),
        ),
    )


def _came_out(provenance: Mapping[str, Any]) -> Mapping[str, str]:
    return CLOSED_CAME_OUT if "results_csv_sha256" in provenance else CAME_OUT


def _facts(labels: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[Row]:
    for key, label in labels.items():
        yield row(label, str(values.get(key) or UNKNOWN))


def _standing(provenance: Mapping[str, Any], trial: Trial) -> Iterator[Row]:
    lock, allocation = provenance.get("lock") or {}, str(provenance.get("allocation") or UNKNOWN)
    yield row("Allocation", ALLOCATIONS.get(allocation, allocation))
    yield row("Lock", said_of(lock))
    if lock.get("locked"):
        yield row("Locked at (UTC)", f"{_moment(lock['locked'])} by {lock.get('by', UNKNOWN)}")
    yield row("Unblinded at (UTC)", _unblinded(lock, trial))


def _unblinded(lock: Mapping[str, Any], trial: Trial) -> str:
    if trial.blinding.is_declared_open:
        return f"never blinded: {trial.blinding.open_because}"
    if lock.get("unblinded"):
        return f"{_moment(lock['unblinded'])} by {lock.get('unblinded_by', UNKNOWN)}"
    return "not unblinded"


def sources_table(provenance: Mapping[str, Any], trial: Trial) -> Table:
    """Return a row per input file."""
    is_sealed = any(str(one.get("sha256", "")).startswith(SEALED) for one in provenance.get("sources", ()))
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
        notes=(KEYED,) if is_sealed else (),
        empty="No source file was recorded.",
    )


def _source_rows(provenance: Mapping[str, Any], trial: Trial) -> Iterator[Row]:
    for source in provenance.get("sources", ()):
        form = source.get("form", "")
        label = trial.forms[form].label if form in trial.forms else form
        yield row(
            Cell(label),
            str(source.get("file", UNKNOWN)),
            _size(source.get("size")),
            _moment(source.get("modified")),
            str(source.get("sha256", UNKNOWN)),
        )


def _size(size: Any) -> str:
    """Return a size in words; what stands in its place as it is."""
    if size is None or isinstance(size, str):
        return size or UNKNOWN
    return numbers.file_size(float(size))


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


def reproduce_table(provenance: Mapping[str, Any], trial: Trial) -> Table:
    """Return a row per step that gives these numbers again, with its command."""
    return Table(
        name="reproduce-table",
        caption="How to get the same numbers again",
        columns=(Column("Step", "text"), Column("Command", "code")),
        groups=one_group(row(*step) for step in _steps(provenance, trial)),
    )


def _steps(provenance: Mapping[str, Any], trial: Trial) -> Iterator[tuple[str, str]]:
    code = provenance.get("code_version") or UNKNOWN
    yield (
        f"Install the program (code version {code}) with the packages of its lock file",
        ("pip install -r requirements.lock && pip install --no-deps -e ."),
    )
    if trial.synthetic:
        yield "Make the simulated files again", f"srt simulate {trial.name}"
    else:
        yield (
            "Lay the files above, of these hashes, into the trial's landing folder",
            f"srt files {trial.name}",
        )
    yield "Run the trial; data, plan and code must have the hashes above", f"srt run {trial.name} --json"
    yield "Compare the results, row by row or by the hash of the file", f"srt results {trial.name}"


def _moment(moment: object) -> str:
    """Return a time to the second; text and datetimes alike."""
    text = str(moment or UNKNOWN).replace("T", " ")
    return text.removesuffix("Z").removesuffix("+00:00").partition(".")[0]
