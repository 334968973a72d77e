"""A departure from the analysis plan that people have declared. Not here: those the program finds (analysis)."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from data_contracts.instrument import Declared

Clause = Annotated[str, Field(pattern=r"^\S.* \d+(\.\d+)*[a-z]?$")]  # a document and its number: "SAP 6.2"


class Deviation(Declared):
    """What was done otherwise than a clause of the plan says, and why."""

    clause: Clause
    what: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    on: dt.date | None = None  # when it was decided
