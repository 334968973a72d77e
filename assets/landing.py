"""Hop 1: what has arrived, and whether it is new. Not here: reading the forms (raw)."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from assets import shown
from assets.declared import DATA_MANAGEMENT, of_hop
from assets.failure import told_to_dagster
from assets.freshness import night_happened
from assets.ports import NEEDS, place_of
from assets.source_version import EVERYTHING, READING, source_version
from data_contracts.spec import Trial
from data_contracts.tables import Tables


class Wish(dg.Config):
    """What is asked of a run."""

    force: bool = True  # analyse again though nothing has changed: so in the pages, not at night


def landing(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that takes receipt of a trial's exports."""

    @dg.asset(
        **of_hop(trial, "landing", READING, DATA_MANAGEMENT, ["spss", "csv"]),
        required_resource_keys=NEEDS,
        freshness_policy=night_happened(trial.night),
        description=f"What has arrived for {trial.title}: sizes, hashes, and whether anything changed.",
    )
    def _landing(context: dg.AssetExecutionContext, config: Wish) -> dg.MaterializeResult[Tables]:
        with told_to_dagster():
            place = place_of(context)
            place.hold(trial.name)
            receipt = take_receipt(place.landing(trial.name), trial)
            facts = {**receipt, "run_id": context.run.run_id}
            facts["changed"] = config.force or not is_published(facts, place.published(trial.name))
        if facts["changed"]:
            place.warm_up()
        return dg.MaterializeResult(value=Tables({}, facts), metadata=_shown(facts))

    return _landing


def take_receipt(folder: Path, trial: Trial) -> dict[str, Any]:
    """Return the sources with their sizes and hashes, and the hashes of data, plan and code.

    Raises:
        ReadError: a form's file is missing, or two files could be it.
    """
    from data_contracts.readers.find import find_sources

    files = {form: _file(folder, path) for form, path in sorted(find_sources(folder, trial).items())}
    return {
        "files": files,
        "data_hash": data_hash({form: file["sha256"] for form, file in files.items()}),
        "plan_hash": trial.plan_hash,
        "code_version": source_version(EVERYTHING),
    }


def is_published(receipt: Mapping[str, Any], published: Mapping[str, Any]) -> bool:
    """Say whether the published report was made from the same data, plan and code."""
    return bool(published) and all(
        receipt[name] == published.get(name) for name in ("data_hash", "plan_hash", "code_version")
    )


def data_hash(sha256_of: Mapping[str, str]) -> str:
    """Return the hash of a whole delivery: SHA-256 over the sorted forms and their files' hashes."""
    lines = "".join(f"{form} {sha256}\n" for form, sha256 in sorted(sha256_of.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _file(folder: Path, path: Path) -> dict[str, Any]:
    status = path.stat()
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "name": path.relative_to(folder).as_posix(),
        "size": status.st_size,
        "sha256": sha256,
        "modified": datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds"),
    }


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    header = ("form", "file", "bytes", "modified", "sha256")
    records = [
        (form, f["name"], f["size"], f["modified"], f["sha256"][:16]) for form, f in facts["files"].items()
    ]
    return {
        "news": "changed" if facts["changed"] else "unchanged",
        "files": shown.rows(header, records),
        **shown.count(len(records)),
        **shown.hashes(facts),
    }
