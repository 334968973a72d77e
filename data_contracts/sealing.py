"""The hash of a file that tells the arms, keyed: a plain one lets anybody try allocations until one fits.

Not here: which forms those are (blinding), the key (pipelines.keys). Custody alone knows the plain hashes.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from data_contracts.spec import Trial

SEALED = "sealed-"  # before a keyed hash, so that nobody takes it for the file's own
HASHES = "hashes"  # what the trial's key is for


def sealed(files: Mapping[str, Mapping[str, Any]], trial: Trial, key: Callable[[], bytes]) -> dict[str, Any]:
    """Return a receipt's files as they may be stored in the open.

    Args:
        files: By form; `sha256` is that of the file.
        trial: The trial; one that is declared open has nothing to seal.
        key: Gives the trial's key; asked only where it is needed.

    Returns:
        The files, with an HMAC-SHA256 in place of the hash of each that is held apart, before and after unblinding.
    """
    found = {form: dict(file) for form, file in files.items()}
    for form in _apart(trial) & set(found):
        digest = hmac.new(key(), str(found[form]["sha256"]).encode(), hashlib.sha256).hexdigest()
        found[form]["sha256"] = SEALED + digest
    return found


def _apart(trial: Trial) -> frozenset[str]:
    if trial.blinding.is_declared_open:
        return frozenset()
    from data_contracts.blinding import forms_held_apart

    return forms_held_apart(trial)
