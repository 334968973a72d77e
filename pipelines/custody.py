"""The copies of what was delivered: named by their contents, written once, read instead of the landing folder.

Not here: whether a delivery is all there (assets.landing), who saw which copy when (deliveries).
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from data_contracts.errors import Problem, StorageError
from data_contracts.manifest import Manifest
from data_contracts.readers.careful import Contents, read_carefully, unsettled
from data_contracts.readers.vouched import Received, Vouched
from data_contracts.sealing import SEALED
from data_contracts.writers.atomic import REMEDIES
from pipelines.deliveries import Delivery, note_deliveries, read_deliveries

PRIVATE, FROZEN = 0o700, 0o400
TEMPORARY = ".tmp_"
AGAIN = "Run the trial again while the landing folder holds the file, or restore it from a backup."


@dataclass(frozen=True, slots=True)
class Custody:
    """One trial's copies, in `<folder>/<first two digits>/<sha256>`."""

    folder: Path
    trial: str
    now: Callable[[], datetime]

    def keep(
        self,
        landing: Path,
        files: Mapping[str, Mapping[str, Any]],
        run_id: str,
        *,
        verify: bool,
        known: Mapping[str, str] | None = None,
    ) -> tuple[str, ...]:
        """Hold a copy of each file of a receipt, note the delivery, and return the forms whose copy was mended.

        Args:
            landing: The folder the files lie in.
            files: What the receipt says of each form's file.
            run_id: The run that took receipt.
            verify: Hash the copies that are there already; a damaged one is replaced.
            known: By form, the hash by which the receipt that is stored knows the file, where it is a sealed one.

        Raises:
            UnsettledError: a file is no longer what the receipt says.
            StorageError: the copy can't be written; what was there is untouched.
        """
        with _told(self.folder):
            make_private(self.folder)
            self._sweep()
            mended = [form for form, file in files.items() if self._keep(landing, file, verify=verify)]
            at = self.now().isoformat(timespec="seconds")
            names = known or {}
            note_deliveries(
                self.folder,
                [Delivery.of(at, run_id, form, file, names.get(form, "")) for form, file in files.items()],
            )
        return tuple(mended)

    def received(self, files: Mapping[str, Mapping[str, Any]]) -> dict[str, Received]:
        """Return the copies of a receipt's files, their contents verified.

        Raises:
            StorageError: a copy is missing or damaged; all of them are listed.
        """
        plain = {form: {**file, "sha256": self.plain(file["sha256"])} for form, file in files.items()}
        problems = [p for form, file in plain.items() if (p := self.problem_of(file["sha256"], form))]
        if problems:
            raise StorageError(f"The custody of {self.trial} is not whole.", problems)
        return {form: self._received(file) for form, file in plain.items()}

    def plain(self, known_as: str) -> str:
        """Return the hash of a file by the one a receipt knows it by; that one, where no delivery has it."""
        if not known_as.startswith(SEALED):
            return known_as
        by_name = {one.known_as: one.sha256 for one in read_deliveries(self.folder)}
        return by_name.get(known_as, known_as)

    def path_of(self, sha256: str) -> Path:
        """Return where a copy lies."""
        return self.folder / sha256[:2] / sha256

    def problem_of(self, sha256: str, form: str) -> Problem | None:
        """Return what is wrong with a copy; None when its contents are those it is named by."""
        where = f"custody/{self.trial}/{sha256[:2]}/{sha256[:12]}… ({form})"
        try:
            found = _hash_of(self.path_of(sha256))
        except FileNotFoundError:
            return Problem(where, "no file", "the copy made when it arrived", AGAIN)
        except OSError as error:
            return Problem(where, f"a file that can't be read ({error.strerror})", "the copy", AGAIN)
        if found != sha256:
            return Problem(where, "other contents than were put there", "the copy as it arrived", AGAIN)
        return None

    def _keep(self, landing: Path, file: Mapping[str, Any], *, verify: bool) -> bool:
        """Hold a copy of one file; return whether a damaged one was replaced."""
        copy = self.path_of(file["sha256"])
        was_there = copy.exists()
        whole = was_there and copy.stat().st_size == file["size"]
        if not whole or (verify and _hash_of(copy) != file["sha256"]):
            self._copy(landing / file["name"], file)
            self._describe(file)
            return was_there
        if not copy.with_suffix(".json").exists():  # killed between the copy and its description
            self._describe(file)
        return False

    def _copy(self, source: Path, file: Mapping[str, Any]) -> None:
        where = f"landing/{self.trial}/{file['name']}"
        manifest = Manifest(file["sha256"], file["size"])
        with _put(self.path_of(file["sha256"])) as stream:
            contents: Contents = read_carefully(source, where, manifest, stream.write)
            if contents.sha256 != file["sha256"]:
                raise unsettled(where, "other contents than a moment before", "one version")

    def _describe(self, file: Mapping[str, Any]) -> None:
        """Put the description beside a copy: which file this was, wherever the folders have gone since."""
        said = {
            "sha256": file["sha256"],
            "size": file["size"],
            "received": self.now().isoformat(timespec="seconds"),
            "origin": file["name"],
            "modified": file["modified"],
        }
        with _put(self.path_of(file["sha256"]).with_suffix(".json")) as stream:
            stream.write((json.dumps(said, indent=1) + "\n").encode())

    def _received(self, file: Mapping[str, Any]) -> Received:
        modified = datetime.fromisoformat(file["modified"])
        vouched = Vouched(file["sha256"], file.get("rows"))
        return Received(self.path_of(file["sha256"]), file["name"], modified, vouched)

    def _sweep(self) -> None:
        """Remove what a killed run left half-written: the trial's lock is held, so nobody is writing it."""
        for left in self.folder.glob(f"*/{TEMPORARY}*"):
            left.unlink(missing_ok=True)


def make_private(folder: Path) -> None:
    """Make a folder that its owner alone may enter, and those above it that are missing."""
    if not folder.parent.exists():
        make_private(folder.parent)
    folder.mkdir(mode=PRIVATE, exist_ok=True)


@contextmanager
def _put(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write; it takes its name, for good, once it is whole and on the disk."""
    make_private(path.parent)
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb", opener=_private) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(FROZEN)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _hash_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in words that the disk refuses; the landing folder's own troubles have been told by then."""
    try:
        yield
    except OSError as error:
        remedy = REMEDIES.get(error.errno or 0, "")
        found = error.strerror or type(error).__name__
        problem = Problem(str(folder), found, "a folder that can be written", remedy)
        raise StorageError(
            "The delivery could not be copied; what was there is untouched.", [problem]
        ) from error
