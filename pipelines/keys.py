"""A trial's secret key, made once: what is drawn and named with it can't be drawn again without it.

Not here: what is done with it (data_contracts.blinding, data_contracts.privacy).
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from data_contracts.errors import Problem, StorageError
from pipelines import audit
from pipelines.home import Home
from pipelines.rights import only_mine, private_folder

N_BYTES = 32
CREATED = "key created"


def secret_key(home: Home, trial: str, purpose: str) -> bytes:
    """Return a trial's key for one purpose; what is known of one purpose says nothing of another.

    Raises:
        StorageError: the key can't be read or made, or was made before and is gone.
    """
    path = home.keys / f"{trial}.key"
    try:
        key = _read(path) or _made(home, path, trial)
    except OSError as error:
        raise StorageError(f"The key of {trial} in {home.keys} can't be used: {error.strerror}.") from None
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return b""
    except ValueError:
        key = b""
    if len(key) != N_BYTES:
        raise StorageError(f"{path} is damaged; restore it from a backup.")
    return key


def _made(home: Home, path: Path, trial: str) -> bytes:
    """Return a new key; a file linked into place is whole or not there, and never replaces another."""
    _was_never_made(home, trial, path)
    key = secrets.token_bytes(N_BYTES)
    new = private_folder(path.parent) / f".tmp_{secrets.token_hex(8)}"
    with only_mine(), new.open("x", encoding="ascii") as file:
        file.write(key.hex())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:  # another process was quicker
        return _read(path)
    finally:
        new.unlink()
    audit.record(home, CREATED, trial=trial, fingerprint=hashlib.sha256(key).hexdigest()[:16])
    return key


def _was_never_made(home: Home, trial: str, path: Path) -> None:
    if any(entry.what == CREATED for entry in audit.listed(home, trial)):
        remedy = (
            "Restore it from a backup: with a new key every pseudonym and every shuffled arm would change."
        )
        problem = Problem(str(path), "no file", "the key that the audit log says was made", remedy)
        raise StorageError(f"The key of {trial} is gone.", [problem])
