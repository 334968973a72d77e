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
    """Return what the published report was made from; empty when there is none, or it can't stand."""
    facts = store.read_facts(home.store(name, "report"))
    there = home.report(name).exists() and is_whole(home.reports(name))
    return facts if facts.get("estimated") and there else {}


def unforced(name: str) -> dict[str, Any]:
    """Return the run configuration of a run that nobody asked for by hand."""
    return {"ops": {f"{name}__landing": {"config": {"force": False}}}}
