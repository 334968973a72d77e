"""Hop 1: what has arrived, whether it is new, and a copy of it in custody. Not here: reading the forms (raw)."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg

from assets import shown
from assets.carried import allocation_of
from assets.declared import DATA_MANAGEMENT, key, of_hop
from assets.failure import AGAIN, told_to_dagster
from assets.freshness import new_data_came, new_data_check, night_happened
from assets.ports import NEEDS, Place, place_of
from assets.source_version import EVERYTHING, READING, source_version
from assets.validation import take_back, told_on_the_page
from data_contracts.arrival import Look, look_at, still_missing, unseen, wait_for
from data_contracts.errors import ReadError
from data_contracts.manifest import manifest_of
from data_contracts.readers.careful import UnsettledError, read_carefully
from data_contracts.readers.find import find_sources
from data_contracts.sealing import HASHES, sealed
from data_contracts.spec import Trial
from data_contracts.tables import Tables

TRIES, PAUSE = 2, 0.5  # at a file that changes under the reader; seconds between them


class Wish(dg.Config):
    """What is asked of a run."""

    force: bool = True  # analyse again though nothing has changed: so in the pages, not at night


def landing(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that takes receipt of a trial's exports."""

    @dg.asset(
        **of_hop(trial, "landing", READING, DATA_MANAGEMENT, ["spss", "csv"]),
        required_resource_keys=NEEDS,
        retry_policy=AGAIN,
        freshness_policy=night_happened(trial.night),
        check_specs=[new_data_check(key(trial, "landing"), trial.night)],
        description=f"What has arrived for {trial.title}: sizes, hashes, and whether anything changed.",
    )
    def _landing(context: dg.AssetExecutionContext, config: Wish) -> Iterator[dg.MaterializeResult[Tables]]:
        with told_to_dagster():
            place = place_of(context)
            place.hold(trial.name)
            with told_on_the_page(place, trial):
                facts = take_in(place, trial, context.run.run_id, force=config.force)
            take_back(place, trial)
            place.reached(trial.name, facts["run_id"], "received" if facts["changed"] else "unchanged", facts)
            is_new = new_data_came(trial.night, place.data_since(trial.name), place.now())
        if facts["changed"]:
            place.warm_up()
        yield dg.MaterializeResult(value=Tables({}, facts), metadata=_shown(facts), check_results=[is_new])

    return _landing


def await_arrival(place: Place, trial: Trial) -> dict[str, Look]:
    """Return a look at each form's file, all of which have arrived.

    Waits once, and only for files that are not all there yet: as long as the trial lets a file settle.

    Raises:
        ReadError: a file is still being written, or lacks the marker that the trial asks for.
    """
    before = _look(place, trial)
    if all(look.is_whole for look in before.values()):
        return before
    place.pause(wait_for(before.values(), trial.landing))
    after = _look(place, trial)
    looks = [(before.get(form) or unseen(look), look) for form, look in after.items()]
    problems = [missing for pair in looks if (missing := still_missing(*pair, trial.landing))]
    if problems:
        raise ReadError(f"The delivery of {trial.name} is not complete.", problems)
    return after


def take_in(place: Place, trial: Trial, run_id: str, *, force: bool) -> dict[str, Any]:
    """Return the receipt of a delivery once custody holds a copy of each file, and whether it is news.

    Every byte is hashed every night, whatever size and time say: see docs/custody.md.

    Raises:
        ReadError: a file is missing, is not as its manifest says, or did not hold still.
        StorageError: custody can't be written.
    """
    for _ in range(TRIES - 1):
        with suppress(UnsettledError):
            return _take_in(place, trial, run_id, force=force)
        place.pause(PAUSE)
    return _take_in(place, trial, run_id, force=force)


def _take_in(place: Place, trial: Trial, run_id: str, *, force: bool) -> dict[str, Any]:
    folder = place.landing(trial.name)
    plain = take_receipt(folder, trial, await_arrival(place, trial))
    receipt = in_the_open(plain, trial, lambda: place.secret(trial.name, HASHES))
    receipt |= place.standing(trial, receipt)
    changed = force or not is_published(receipt, place.published(trial.name))
    known = {form: file["sha256"] for form, file in receipt["files"].items()}
    mended = place.custody(trial.name).keep(folder, plain["files"], run_id, verify=changed, known=known)
    return {**receipt, "run_id": run_id, "changed": changed, "mended": mended}


def take_receipt(
    folder: Path, trial: Trial, arrived: Mapping[str, Look] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the sources with their sizes and hashes, and the hashes of data, plan and code.

    Args:
        folder: The landing folder.
        trial: The plan.
        arrived: How each file looked when it had arrived; it must still look so.

    Raises:
        ReadError: a form's file is missing, or two files could be it, or one is not as its manifest says.
    """
    sources = find_sources(folder, trial)
    files, refused = dict[str, dict[str, Any]](), list[ReadError]()
    for form, path in sorted(sources.items()):
        try:
            files[form] = _file(folder, path, trial, arrived.get(form))
        except ReadError as error:
            refused.append(error)
    if refused:
        kind = UnsettledError if all(isinstance(e, UnsettledError) for e in refused) else ReadError
        problems = [problem for error in refused for problem in error.problems]
        raise kind(f"The delivery of {trial.name} was not taken in.", problems)
    return {
        "files": files,
        "data_hash": data_hash({form: file["sha256"] for form, file in files.items()}),
        "plan_hash": trial.plan_hash,
        "code_version": source_version(EVERYTHING),
    }


def in_the_open(receipt: Mapping[str, Any], trial: Trial, key: Callable[[], bytes]) -> dict[str, Any]:
    """Return a receipt as it may be stored: the hashes of files that tell the arms are keyed."""
    files = sealed(receipt["files"], trial, key)
    return {
        **receipt,
        "files": files,
        "data_hash": data_hash({f: file["sha256"] for f, file in files.items()}),
    }


def is_published(receipt: Mapping[str, Any], published: Mapping[str, Any]) -> bool:
    """Say whether the published report was made from the same data, plan and code, and the same arms."""
    names = ("data_hash", "plan_hash", "code_version")
    same = bool(published) and all(receipt[name] == published.get(name) for name in names)
    return same and allocation_of(receipt) == allocation_of(published)


def data_hash(sha256_of: Mapping[str, str]) -> str:
    """Return the hash of a whole delivery: SHA-256 over the sorted forms and their files' hashes."""
    lines = "".join(f"{form} {sha256}\n" for form, sha256 in sorted(sha256_of.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _look(place: Place, trial: Trial) -> dict[str, Look]:
    folder, now = place.landing(trial.name), place.now()
    return {
        form: look_at(path, _where(trial, path.relative_to(folder)), trial.landing, now)
        for form, path in find_sources(folder, trial).items()
    }


def _file(folder: Path, path: Path, trial: Trial, arrived: Look | None) -> dict[str, Any]:
    name = path.relative_to(folder)
    manifest = manifest_of(path, _where(trial, name))
    settled = arrived.identity if arrived else None
    contents = read_carefully(path, _where(trial, name), manifest, settled=settled)
    modified = datetime.fromtimestamp(contents.modified_ns / 1e9, UTC)
    return {
        "name": name.as_posix(),
        "size": contents.size,
        "sha256": contents.sha256,
        "modified": modified.isoformat(timespec="seconds"),
        "vouched": manifest.vouches,
        "rows": manifest.rows,
    }


def _where(trial: Trial, name: Path) -> str:
    return f"landing/{trial.name}/{name.as_posix()}"


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    header = ("form", "file", "bytes", "modified", "sha256", "manifest")
    records = [
        (form, f["name"], f["size"], f["modified"], f["sha256"][:16], "yes" if f["vouched"] else "none")
        for form, f in facts["files"].items()
    ]
    mended = {"copies mended in custody": len(facts["mended"])} if facts["mended"] else {}
    return {
        "news": "changed" if facts["changed"] else "unchanged",
        "files": shown.rows(header, records),
        **mended,
        **shown.count(len(records)),
        **shown.hashes(facts),
    }
