"""Cause every accident, and write what was seen to docs/reliability.md.

make reliability                                          all of them, about an hour
.venv/bin/python -m benchmarks.reliability --only kills   one of them; its rows of the page are replaced
.venv/bin/python -m benchmarks.reliability --quick        a tenth of each, printed and not written down

What was seen is kept in docs/reliability.json, from which the page is written: each row says when it was seen.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from benchmarks.reliability import (
    clock_change,
    daemon,
    every_write,
    full_disk,
    host_crash,
    kills,
    locked,
    postgres,
    replaced,
    two_at_once,
)
from benchmarks.reliability.outcome import Outcome, Progress, timed
from data_contracts.writers.atomic import write_atomically
from pipelines.home import PROJECT

PAGE = PROJECT / "docs" / "reliability.md"
KEPT = PAGE.with_suffix(".json")
Seen = dict[str, Any]  # when and where outcomes were seen, and the outcomes
Scenario = Callable[[float, Progress], list[Outcome]]


def _times(whole: int, share: float) -> int:
    return max(2, round(whole * share))


def _locks(share: float, progress: Progress) -> list[Outcome]:
    seconds = locked.SECONDS if share == 1 else 5.0
    return [locked.run(name, seconds, progress) for name in locked.DATABASES]


def _fuzz(share: float, progress: Progress) -> list[Outcome]:
    """Return what damaged copies of files did to the readers."""
    if find_spec("benchmarks.reliability.fuzz") is None:
        return []
    from benchmarks.reliability import fuzz

    number = _times(24_000, share)
    with timed() as elapsed:
        counts = fuzz.run(number, 1, progress)
        never = sum(counts[what] for what in fuzz.NEVER)
        seen = ", ".join(f"{what}: {count:,}" for what, count in counts.items())
        return [Outcome("damaged files given to the readers", number, number - never, seen, elapsed())]


SCENARIOS: Mapping[str, Scenario] = {
    "kills": lambda share, tell: [kills.run(_times(50, share), progress=tell)],
    "every_write": lambda share, tell: [every_write.run(progress=tell, step=1 if share == 1 else 9)],
    "full_disk": lambda share, tell: [full_disk.run(_times(10, share), tell)],
    "two_at_once": lambda share, tell: [two_at_once.run(_times(10, share), tell)],
    "replaced": lambda share, tell: [replaced.run(_times(20, share), progress=tell)],
    "host_crash": lambda share, tell: [host_crash.run(_times(5, share), tell)],
    "daemon": lambda _, tell: [daemon.run_worker(tell), daemon.run_crash(tell)],
    "clock_change": lambda _, tell: [clock_change.run(tell)],
    "locked": _locks,
    "postgres": lambda share, tell: [postgres.run(_times(10, share), progress=tell)],
    "fuzz": _fuzz,
}


def main() -> None:
    """Run what is asked for; leave with 1 when anything went wrong."""
    wanted = _arguments()
    share = 0.1 if wanted.quick else 1.0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    found: dict[str, Seen] = {}
    for name in wanted.only or SCENARIOS:
        found[name] = _seen(SCENARIOS[name](share, _progress))
        sys.stderr.write("\n")
        if not wanted.quick:
            _keep({name: found[name]})
    if wanted.quick:
        sys.stdout.write(page(found))
    sys.exit(0 if all(Outcome(**one).ok for seen in found.values() for one in seen["outcomes"]) else 1)


def _seen(outcomes: list[Outcome]) -> Seen:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    where = f"{machine}, Python {platform.python_version()}"
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "where": where,
        "outcomes": [asdict(one) for one in outcomes],
    }


def _keep(found: Mapping[str, Seen]) -> None:
    """Put outcomes in place of the earlier ones of their scenarios, and write the page from all that are kept."""
    known = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    kept = {name: {**known, **found}[name] for name in SCENARIOS if name in {**known, **found}}
    write_atomically(KEPT, (json.dumps(kept, indent=1) + "\n").encode())
    write_atomically(PAGE, page(kept).encode())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=list(SCENARIOS), help="these alone; the other rows of the page stay"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of each; printed, not written")
    return parser.parse_args()


def _progress(text: str) -> None:
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()


def page(found: Mapping[str, Seen]) -> str:
    """Return the page: a row per accident."""
    rows = [_row(Outcome(**one), seen["date"]) for seen in found.values() for one in seen["outcomes"]]
    where = " · ".join(sorted({seen["where"] for seen in found.values()}))
    minutes = sum(one["seconds"] for seen in found.values() for one in seen["outcomes"]) / 60
    return PAGE_OF.format(rows="\n".join(rows), where=f"{where}; {minutes:.0f} minutes in all") + EXPLAINED


def _row(one: Outcome, date: str) -> str:
    if one.skipped:
        return f"| {one.scenario} | – | – | not tried: {one.skipped} | {date} |"
    return f"| {one.scenario} | {one.times:,} | {one.held:,} | {one.seen} | {date} |"


PAGE_OF = """\
# What accidents do to a night
Written by `make reliability`; each accident is caused for real, on an invented trial of three files. After each,
nothing published may be unreadable or of two deliveries at once, and the next night, started with nobody's help, must
succeed and give the same bytes as if nothing had happened.

{where}.

| accident | times | all well | what was seen | when |
|---|---|---|---|---|
{rows}

"""
EXPLAINED = """\
## How each is caused
- **kill -9 at a random moment**: `srt run` with a new delivery is killed after a time drawn evenly over the length of a
  run. Its helper process must be gone within half a minute.
- **kill -9 in the place of each write**: a forked run kills itself instead of its first flush to the disk, its second,
  and so on until one comes through; Great Expectations is stood in for, to make it fast.
- **disk full**: the state folder lies on a file system of 192 MB in memory, filled to the last byte as each hop starts
  or ends. It needs an administrator; elsewhere it is left out.
- **replaced in place**: an export is written over, 512 bytes at a time, at a random moment of the run that reads it.
- **host crash**: the run and all its processes are killed once Dagster's record says STARTED.
- **under the daemon**: the sensor starts a run; its process is killed, or the daemon with its servers and the run. The
  dead run must end as failed, be told in the log, and the night be done again without anybody's doing.
- **the clock changes**: Dagster's scheduler is asked every half hour of three nights, with pretended time, what it
  would start, for hours that are left out and hours that come twice in three time zones.
- **locked**: another program holds the database from before the night begins. The night that meets the lock may wait
  or fail with a storage error; the next one must succeed.
- **PostgreSQL restarted**: the query book on a server of its own, ended as a crash ends it and started again at a
  random moment of the run.
- **damaged files**: copies of whole files of every format, changed or cut, read as a run reads them (`fuzz.py`); well
  is whatever is refused, or read as from the whole file, or altered where no manifest vouches for it.

Small versions of these are tests (`tests/pipeline/test_reliability.py`, marked `long`; those of the daemon `daemon`).
"""


if __name__ == "__main__":
    main()
