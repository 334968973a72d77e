"""A user's mistake as Dagster shows it, and back again. Not here: the mistakes (data_contracts.errors)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from data_contracts.errors import (
    BusyError,
    ContractError,
    EstimationError,
    PlanError,
    Problem,
    ReadError,
    SrtError,
    StorageError,
)

FAMILIES = {
    kind.family: kind
    for kind in (PlanError, ReadError, ContractError, EstimationError, StorageError, BusyError)
}
MAY_PASS = (StorageError, OSError)  # a share that is away for a minute: worth another try


@contextmanager
def told_to_dagster() -> Iterator[None]:
    """Turn a known mistake into a Failure with its message, retried only where time may mend it."""
    try:
        yield
    except (SrtError, OSError) as error:
        raise as_failure(error) from None


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
