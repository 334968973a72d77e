"""Which code made a table: a hash of the source files it depends on. Not here: which data (data_hash)."""

import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUFFIXES = {".py", ".toml", ".html", ".css", ".svg", ".xml", ".jinja", ".j2"}

READING = ("data_contracts",)
JUDGING = ("data_contracts",)
DERIVING = ("data_contracts", "analysis/derive")
ESTIMATING = (*DERIVING, "analysis/estimators", "analysis/mixed", "analysis/results.py")
REPORTING = ("data_contracts", "analysis", "assets")
EVERYTHING = REPORTING


@cache
def source_version(parts: tuple[str, ...]) -> str:
    """Return 16 hex digits that change when a source file below `parts` changes.

    Trial files are left out: a trial's own plan hash stands for them.
    """
    digest = hashlib.sha256()
    for path in sorted(file for part in parts for file in _files(ROOT / part)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _files(part: Path) -> list[Path]:
    if part.is_file():
        return [part]
    trials = ROOT / "data_contracts" / "trials"
    return [p for p in part.rglob("*") if p.suffix in SUFFIXES and trials not in p.parents]
