"""When a trial recruits and whom it screened, as its file declares them. Not here: who was randomised (data)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from data_contracts.instrument import Declared

Number = Annotated[int, Field(ge=0)]


class Recruitment(Declared):
    """The planned time of recruitment, and the screening log's counts, typed by hand.

    Screening logs are rarely among the exports. Once `screened` is given, everybody screened was either excluded,
    for a reason, or randomised: the report checks it.
    """

    begins: date | None = None
    ends: date | None = None
    screened: Number | None = None  # people assessed for eligibility
    excluded: Mapping[str, Number] = Field(default_factory=dict)  # before randomisation: reason -> people

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise ValueError("`ends` must come after `begins`")
        if self.screened is None and self.excluded:
            raise ValueError("`excluded` goes with `screened`, the number they were among")
        if self.screened is not None and sum(self.excluded.values()) > self.screened:
            raise ValueError("more people are `excluded` than were `screened`")
        return self
