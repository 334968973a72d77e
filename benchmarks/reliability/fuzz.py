"""Read damaged copies of files of every format, and count what comes of it.

    python -m benchmarks.reliability.fuzz --mutants 24000 --seed 1

A reader that stands for a run reads them in a process of its own, so that its crash, too, would be counted.
Not here: the damage (mutants).
"""

import argparse
import hashlib
import json
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from benchmarks.reliability.mutants import TYPES, mutant, whole_files

if TYPE_CHECKING:
    from data_contracts.forms import ReadForm
    from data_contracts.spec import Trial

Progress = Callable[[str], None]

LIMIT = 10.0  # seconds that the parser may spend on one of these small files
PATIENCE = 60.0  # seconds without a verdict that count as a hang of the run
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": "", "values": [value]} for code, value in (("TAU", "0"), ("SRT", "1"))]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
NEVER = ("fewer rows", "crash of the run", "hang of the run", "altered and let through with a manifest")
NO_COUNT = ("csv", "por")  # formats that do not state their number of records: only a manifest tells


def run(mutants: int = 24_000, seed: int = 1, progress: Progress = lambda _: None) -> dict[str, int]:
    """Read so many damaged files, and return how many ended how.

    A key is what came of them: a clean error, the same as from the whole file, other values than in the whole
    file (which only a manifest can tell), and what must never be (`NEVER`).
    """
    counts = Counter(dict.fromkeys(("clean error", "identical", "other values", *NEVER), 0))
    done = 0
    while done < mutants:
        for verdict in _verdicts(done, mutants, seed):
            counts.update(verdict)
            done += 1
            if done % 500 == 0:
                progress(f"{done} of {mutants} damaged files read")
    return dict(counts)


def _verdicts(start: int, stop: int, seed: int) -> Iterator[list[str]]:
    """Yield what came of each mutant; the process that reads them may crash or hang, which ends the round."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.reliability.fuzz",
        "--worker",
        f"{start}",
        f"{stop}",
        f"{seed}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
        if worker.stdout is None:
            raise AssertionError
        for _ in range(start, stop):
            line = _line(worker.stdout)
            if not line:
                worker.kill()
                yield ["hang of the run" if line is None else "crash of the run"]
                return
            yield json.loads(line)


def _line(pipe: IO[bytes]) -> bytes | None:
    """Return the worker's next line, nothing at its end, None when it takes too long."""
    ready, _, _ = select.select([pipe], [], [], PATIENCE)
    return pipe.readline() if ready else None


def work(start: int, stop: int, seed: int) -> None:
    """Read the mutants from one number to another, and print a line for each; runs in a process of its own."""
    from data_contracts.readers import parser
    from data_contracts.readers.parse_server import Limits

    parser.shared_parser(Limits(seconds=LIMIT))
    files = whole_files()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        whole = {kind: _read(place, format_, data, None) for kind, (format_, data) in files.items()}
        for number in range(start, stop):
            rng = random.Random(f"{seed} {number}")
            kind = rng.choice(list(files))
            how, damaged = mutant(files[kind][1], rng)
            verdict = _verdict(place, kind, files[kind], damaged, whole[kind])
            if verdict[0] not in {"clean error", "identical", "other values"}:
                print(f"{number}: {kind}, {how}: {verdict}", file=sys.stderr, flush=True)
            print(json.dumps(verdict), flush=True)


def _verdict(place: Path, kind: str, file: tuple[str, bytes], damaged: bytes, whole: "ReadForm") -> list[str]:
    """Return what came of one damaged file, without a manifest and with one."""
    from data_contracts.errors import ReadError

    format_, data = file
    verdict = []
    try:
        found = _read(place, format_, damaged, None)
    except ReadError:
        verdict.append("clean error")
    else:
        verdict.append(_compared(found, whole, kind))
    try:
        _read(place, format_, damaged, hashlib.sha256(data).hexdigest())
    except ReadError:
        verdict.append("altered and refused with a manifest")
    else:
        verdict.append("altered and let through with a manifest")
    return verdict


def _compared(found: "ReadForm", whole: "ReadForm", kind: str) -> str:
    if len(found.values) < len(whole.values):
        format_ = kind.partition(",")[0]
        return f"fewer rows of a {format_}, which states no number" if format_ in NO_COUNT else "fewer rows"
    frames = ("values", "reasons", "unreadable")
    same = all(getattr(found, name).equals(getattr(whole, name)) for name in frames)
    return "identical" if same else "other values"


def _read(place: Path, format_: str, data: bytes, sha256: str | None) -> "ReadForm":
    """Return the form of one file, as a night reads it; a transport file's manifest gives its rows."""
    from data_contracts.readers.trial import read_received
    from data_contracts.readers.vouched import Received, Vouched

    path = place / f"form.{format_}"
    path.write_bytes(data)
    rows = 60 if format_ == "xpt" else None
    vouched = Vouched(sha256 or hashlib.sha256(data).hexdigest(), rows) if sha256 or rows else None
    received = Received(path, path.name, datetime(2026, 1, 1, tzinfo=UTC), vouched)
    return read_received({"form": received}, _trial(format_))["form"]


def _trial(format_: str) -> "Trial":
    if format_ not in _trials:
        from data_contracts.spec import Trial

        columns: Mapping[str, Any] = {name: {"type": kind} for name, kind in TYPES.items()}
        form = {
            "label": "",
            "kind": "visits",
            "file": "form.*",
            "format": format_,
            "key": [],
            "columns": columns,
        }
        parts = {**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY}
        _trials[format_] = Trial.model_validate(parts)
    return _trials[format_]


_trials: dict[str, "Trial"] = {}


def main() -> None:
    """Print what came of the mutants as JSON; exit with 1 if anything happened that never may."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--mutants", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker)
        return
    started = time.monotonic()
    counts = run(options.mutants, options.seed, lambda words: print(words, file=sys.stderr, flush=True))
    print(json.dumps({"mutants": options.mutants, "seed": options.seed, **counts}, indent=2))
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    sys.exit(any(counts[what] for what in NEVER))


if __name__ == "__main__":
    main()
