"""When a trial recruits and whom it screened, as its file declares them. Not here: who was randomised (data)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from data_contracts.instrument import Declared
from data_contracts.plain_words import in_plain_words

Number = Annotated[int, Field(ge=0, strict=True)]


class Recruitment(Declared):
    """The planned time of recruitment, and the screening log's counts, typed by hand.

    Screening logs are rarely among the exports. Once `screened` is given, everybody screened was either excluded,
    for a reason, or randomised: the report checks it.
    """

    begins: date | None = None
    ends: date | None = None
    screened: Number | None = None  # people assessed for eligibility
    excluded: Mapping[str, Number] = Field(default_factory=dict)  # before randomisation: reason -> people

    @field_validator("ends")
    @classmethod
    def _comes_last(cls, ends: date | None, info: ValidationInfo) -> date | None:
        begins = info.data.get("begins")
        if ends is not None and begins is not None and ends <= begins:
            raise in_plain_words(
                f"{ends}, no later than `begins`",
                f"a day after {begins}",
                "Exchange the two, or correct the one that is wrong.",
            )
        return ends

    @field_validator("excluded")
    @classmethod
    def _were_screened(cls, excluded: Mapping[str, int], info: ValidationInfo) -> Mapping[str, int]:
        if "screened" not in info.data:
            return excluded  # it has a mistake of its own
        screened, people = info.data["screened"], sum(excluded.values())
        if excluded and screened is None:
            raise in_plain_words(
                f"{people} people and no `screened`",
                "`screened` beside it, the number they were among",
                "Add it, from the screening log; or leave `excluded` out.",
            )
        if excluded and people > screened:
            raise in_plain_words(
                f"{people} people",
                f"no more than were `screened`, {screened}",
                "Count both again, in the screening log.",
            )
        return excluded
