"""Whether a run would find anything new, asked before it is started. Not here: the receipt itself (landing)."""

from collections.abc import Mapping
from typing import Any

from data_contracts.errors import SrtError
from pipelines import store
from pipelines.home import Home
from pipelines.lock import facts_of_run
from pipelines.published import is_whole
from pipelines.trials import load_named

LANDING_ONLY = ("landing",)
BEHIND = ("checked", "accepted", "results")  # hops that a report is made from
MADE_OF = ("data_hash", "plan_hash", "code_version", "allocation")


def is_quiet(name: str, home: Home) -> bool:
    """Say whether data, plan and code are those of the published report; a mistake is news.

    The trial's file is read again: a code server may have loaded an older one.
    """
    from assets.landing import in_the_open, is_published, take_receipt
    from data_contracts.sealing import HASHES
    from pipelines.keys import secret_key

    try:
        trial = load_named(name).trial
        if not (published := published_facts(name, home)):
            return False
        plain = take_receipt(home.landing(name), trial)
        receipt = in_the_open(plain, trial, lambda: secret_key(home, name, HASHES))
        return is_published(receipt | facts_of_run(home, trial, receipt), published)
    except (SrtError, OSError):
        return False


def published_facts(name: str, home: Home) -> Mapping[str, Any]:
    """Return what the published report was made from; empty when there is none, or it can't stand.

    It can't when a later run got as far as other results, or other verdicts, and no further.
    """
    facts = _facts(name, home, "report")
    there = home.report(name).exists() and is_whole(home.reports(name))
    stands = facts.get("estimated") and there and not _overtaken(facts, name, home)
    return facts if stands else {}


def _overtaken(published: Mapping[str, Any], name: str, home: Home) -> bool:
    """Say whether what is stored of a hop before the report is of other data, plan, code or arms."""
    behind = [_facts(name, home, hop) for hop in BEHIND]
    return any(facts.get(key) != published.get(key) for facts in behind for key in MADE_OF)


def _facts(name: str, home: Home, hop: str) -> Mapping[str, Any]:
    """Return what is stored of a hop; empty when it can't be read, for then the run writes it anew."""
    try:
        return store.read_facts(home.store(name, hop))
    except (ValueError, KeyError):
        return {}


def unforced(name: str) -> dict[str, Any]:
    """Return the run configuration of a run that nobody asked for by hand."""
    return {"ops": {f"{name}__landing": {"config": {"force": False}}}}
