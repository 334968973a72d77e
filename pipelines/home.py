"""The state folder and what lies where in it. Not here: what is in the files."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import StorageError
from pipelines.published import published_path
from pipelines.rights import keep_to_owner

PROJECT = Path(__file__).parent.parent
LEAST_FREE = 64 * 2**20  # bytes; a disk that fills in mid-run leaves runs that never end
SHIPPED_CONFIG = Path(__file__).parent / "dagster.yaml"


@dataclass(frozen=True, slots=True)
class Home:
    """One state folder (`SRT_HOME`)."""

    root: Path

    @property
    def dagster(self) -> Path:
        """Return DAGSTER_HOME: runs, events, schedules."""
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        """Return the folder of the failures' log."""
        return self.root / "logs"

    @property
    def database(self) -> Path:
        """Return the query book's file, where no server keeps it."""
        return self.root / "queries.sqlite"

    @property
    def locks(self) -> Path:
        """Return the folder of the trials' locks."""
        return self.root / "locks"

    @property
    def audit(self) -> Path:
        """Return the folder of the audit log and of what each trial's lock says."""
        return self.root / "audit"

    @property
    def keys(self) -> Path:
        """Return the folder of the trials' secret keys."""
        return self.root / "keys"

    def allocation(self, trial: str) -> Path:
        """Return the folder that holds apart what tells a blinded trial's arms."""
        return self.root / "allocation" / trial

    def custody(self, trial: str) -> Path:
        """Return the folder of the copies of what was delivered."""
        return self.root / "custody" / trial

    def nights(self, trial: str) -> Path:
        """Return the folder of what each night changed."""
        return self.root / "nights" / trial

    def landing(self, trial: str) -> Path:
        """Return the folder a trial's exports arrive in."""
        return self.root / "landing" / trial

    def store(self, trial: str, hop: str) -> Path:
        """Return the folder of a hop's tables."""
        return self.root / "store" / trial / hop

    def reports(self, trial: str) -> Path:
        """Return the folder of a trial's reports and of the files beside them."""
        return self.root / "reports" / trial

    def report(self, trial: str) -> Path:
        """Return the path of a trial's report, whose name says while its arms are shuffled."""
        return published_path(self.reports(trial), "report.html")

    def closed(self, trial: str) -> Path:
        """Return the folder of a trial's closed report, for its owner alone."""
        return self.root / "closed" / trial

    def validation(self, trial: str) -> Path:
        """Return the folder of a trial's validation pages."""
        return self.reports(trial) / "validation"

    def ready(self) -> "Home":
        """Make the folders and the shipped Dagster configuration, and return the home.

        Raises:
            StorageError: the folder can't be written.
        """
        keep_to_owner()
        try:
            for folder in (self.dagster, self.logs, self.locks, self.root / "landing"):
                folder.mkdir(parents=True, exist_ok=True)
            if not (self.dagster / "dagster.yaml").exists():
                shutil.copyfile(SHIPPED_CONFIG, self.dagster / "dagster.yaml")
        except OSError as error:
            raise StorageError(
                f"The state folder {self.root} can't be written: {error.strerror}. Set SRT_HOME to another."
            ) from None
        if not os.access(self.dagster, os.W_OK):
            raise StorageError(
                f"The state folder {self.root} is read-only. Set SRT_HOME to one that can be written."
            )
        if (free := shutil.disk_usage(self.root).free) < LEAST_FREE:
            found = f"{free / 2**20:.0f} MB are free"
            raise StorageError(
                f"The disk of the state folder {self.root} is full ({found}). Free some space."
            )
        return self


def find_home() -> Home:
    """Return the state folder: SRT_HOME, or `.srt` in the project's folder.

    Raises:
        StorageError: SRT_HOME is a link that leads to itself, or somebody's home who does not exist.
    """
    named = os.environ.get("SRT_HOME", "")
    try:
        return Home(Path(named).expanduser().resolve() if named else PROJECT / ".srt")
    except RuntimeError as error:
        raise StorageError(f"SRT_HOME={named} leads nowhere: {error}. Set it to another folder.") from None
