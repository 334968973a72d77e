"""What one question of the doctor found. Not here: the questions (doctor, doctor_state, doctor_record)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question found, and what to do when it is not well."""

    question: str
    level: Level
    found: str
    remedy: str = ""


def nearest(folder: Path) -> Path:
    """Return the folder, or its closest ancestor that exists (it may turn out to be a file)."""
    return next(path for path in (folder, *folder.parents) if path.exists())
