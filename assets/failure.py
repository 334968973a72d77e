"""A user's mistake as Dagster shows it, and back again. Not here: the mistakes (data_contracts.errors)."""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from data_contracts.errors import (
    BusyError,
    ContractError,
    EstimationError,
    PlanError,
    Problem,
    ReadError,
    RequestError,
    SrtError,
    StorageError,
)

ROOT = Path(__file__).parent.parent
FAMILIES = {
    kind.family: kind
    for kind in (
        PlanError,
        RequestError,
        ReadError,
        ContractError,
        EstimationError,
        StorageError,
        BusyError,
    )
}
MAY_PASS = (StorageError, OSError)  # a share that is away for a minute: worth another try
# A network share that is away, a file another program holds: three tries within two minutes.
AGAIN = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)


@contextmanager
def told_to_dagster() -> Iterator[None]:
    """Turn a known mistake into a Failure with its message, retried only where time may mend it.

    Of any other error only its kind and place are told: its text may quote what a participant answered, and
    Dagster would keep it.
    """
    try:
        yield
    except (SrtError, OSError) as error:
        raise as_failure(error) from None
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its text must not reach Dagster
        raise unforeseen(error) from None


def as_failure(error: SrtError | OSError) -> dg.Failure:
    """Return the failure Dagster records: the message to read, the parts to rebuild the error from."""
    known = error if isinstance(error, SrtError) else StorageError(_of_the_system(error))
    parts = {
        "summary": known.summary,
        "problems": [[p.where, p.found, p.expected, p.remedy] for p in known.problems],
    }
    return dg.Failure(
        description=str(known),
        metadata={
            "family": known.family,
            "exit_code": known.exit_code,
            "error": dg.MetadataValue.json(parts),
        },
        allow_retries=isinstance(error, MAY_PASS),
    )


def unforeseen(error: Exception) -> dg.Failure:
    """Return the failure of an error nobody foresaw: its kind, and where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{_below_root(frame.filename)}, line {frame.lineno}, {frame.name}" for frame in frames]
    ours = [place for place in places if "/" in place] or places
    description = f"{type(error).__name__} at {ours[-1]}. This is a fault of the program: please report it."
    metadata = {"kind": type(error).__name__, "places": dg.MetadataValue.text("\n".join(places))}
    return dg.Failure(description=description, metadata=metadata, allow_retries=False)


def _below_root(filename: str) -> str:
    """Return a file's name without the folder the program is installed in."""
    path = Path(filename)
    inside = path.is_relative_to(ROOT) and "site-packages" not in path.parts
    return path.relative_to(ROOT).as_posix() if inside else path.name


def as_error(metadata: Mapping[str, Any]) -> SrtError | None:
    """Return the mistake a failure's metadata describes; None for a failure of another kind."""
    kind = FAMILIES.get(str(getattr(metadata.get("family"), "value", "")))
    if kind is None:
        return None
    parts = metadata["error"].value
    return kind(parts["summary"], [Problem(*fields) for fields in parts["problems"]])


def _of_the_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or type(error).__name__}."
