"""Whom a failed run is told to: today a log; mail and web hooks go here. Not here: noticing it (sensors)."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

LOG = "failures.log"


@dataclass(frozen=True, slots=True)
class Failed:
    """A failed run; its reasons hold no participant's value."""

    trial: str
    run_id: str
    reasons: tuple[str, ...]


def tell(failed: Failed, logs: Path) -> None:
    """Append the failure to the log, a JSON object per line."""
    logs.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(failed)})
    with (logs / LOG).open("a", encoding="utf-8") as log:
        log.write(line + "\n")
