"""What imputation refuses: where, what was found, what was expected, what to do. Not here: exit codes."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, in the four parts a user needs; it never holds a participant's value."""

    where: str
    found: str
    expected: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the reason as a sentence."""
        sentence = f"{self.where}: found {self.found}, expected {self.expected}"
        return f"{sentence}. {self.remedy}" if self.remedy else sentence


def counted(n: int) -> str:
    """A number of participants in words."""
    return f"{n} participant" if n == 1 else f"{n} participants"


class ImputationError(ValueError):
    """A request that the data at hand give no meaning to."""

    def __init__(self, summary: str, refusals: Iterable[Refusal] = ()) -> None:
        self.summary = summary
        self.refusals = tuple(refusals)
        super().__init__("\n".join([summary, *(f"  - {refusal}" for refusal in self.refusals)]))


class NotEstimableError(ImputationError):
    """The request is meaningful, but the data hold too little for it, or a fit did not converge."""
