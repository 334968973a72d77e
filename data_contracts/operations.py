"""How a trial's data arrive, who may see what, and how long things are kept: the plan of its operation.

Not here: what the data must be (spec), carrying any of it out (pipelines).
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data_contracts.instrument import Declared

FormColumn = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]  # form.column


class Arrival(Declared):
    """When a file in the landing folder counts as copied in full, and what vouches for it.

    settled: its size and time no longer change. done: `<file>.done` stands beside it.
    manifest: `<file>.manifest.json` stands beside it, with its sha256, and rows where it is known.
    A manifest that is there is always obeyed.
    """

    complete: Literal["settled", "done", "manifest"] = "settled"
    settle_seconds: Annotated[float, Field(ge=0)] = 2.0


class Blinding(Declared):
    """Whether the allocation is held apart until `srt unblind`; data that blind nobody say why."""

    open_because: str = ""
    reveals: tuple[str, ...] = ()  # forms and form.columns that tell the arm, besides those of therapy

    @property
    def is_declared_open(self) -> bool:
        """Return whether there is nobody to blind: published or invented data."""
        return bool(self.open_because.strip())


class Privacy(Declared):
    """What is done at the door with what tells who a participant is."""

    pseudonyms: bool = False  # participants' identifiers become keyed hashes before anything is stored
    not_personal: tuple[FormColumn, ...] = ()  # columns whose names look personal and are not


class QueryLife(Declared):
    """How long a query may stay unanswered."""

    overdue_after_days: Annotated[float, Field(gt=0)] = 14


class Retention(Declared):
    """How long accepted nights and custody copies that no night needs are kept."""

    keep_nights: Annotated[int, Field(ge=1)] = 30  # at least this many, whatever their age
    keep_days: Annotated[float, Field(ge=1)] = 365


class Disclosure(Declared):
    """What the open report must not tell: how small a count of participants may be."""

    small_cells: Annotated[int, Field(ge=0)] = 5  # counts from 1 to one less are not shown; 0 shows all


class Eligible(Declared):
    """A criterion of entry, on a column of the participants' or a visit form at baseline."""

    column: FormColumn
    label: str
    range: tuple[float, float] | None = None
    codes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_criterion(self) -> Self:
        if (self.range is None) == (not self.codes):
            raise ValueError("give either `range` or `codes`")
        return self


class Randomisation(Declared):
    """How participants were allocated, so that the list can be checked; columns of the allocation form."""

    sequence: str = ""  # column that numbers the list, by stratum when there are strata
    block: str = ""  # column that numbers the blocks within a stratum
    block_sizes: tuple[int, ...] = ()
    ratio: Mapping[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict
    )  # arm -> weight; empty: equal
