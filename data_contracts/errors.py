"""The errors a user meets, one family per stage. Not here: how a terminal prints them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, what was found, what was expected and what to do."""

    where: str
    found: str
    expected: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the problem as one sentence."""
        sentence = f"{self.where}: found {self.found}, expected {self.expected}"
        return f"{sentence}. {self.remedy}" if self.remedy else sentence


class SrtError(Exception):
    """A mistake a user can mend; never a participant's value in it."""

    exit_code: ClassVar[int] = 1
    family: ClassVar[str] = "error"

    def __init__(self, summary: str, problems: Iterable[Problem] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__(summary, self.problems)

    def __str__(self) -> str:
        """Return the summary, then a line per problem."""
        return "\n".join([self.summary, *(f"  - {problem}" for problem in self.problems)])


class PlanError(SrtError):
    """The trial or instrument file is wrong, or no such trial exists."""

    exit_code = 3
    family = "plan error"


class RequestError(SrtError):
    """A model asked for on the command line that the file at hand gives no meaning to."""

    exit_code = 3
    family = "request error"


class ReadError(SrtError):
    """A source file is missing, empty, of the wrong format, or damaged."""

    exit_code = 4
    family = "read error"


class ContractError(SrtError):
    """The data broke a rule that withholds them from analysis."""

    exit_code = 5
    family = "contract failure"


class EstimationError(SrtError):
    """The primary comparison could not be estimated."""

    exit_code = 6
    family = "estimation failure"


class StorageError(SrtError):
    """The state folder can't be written: no right, no space, or in use."""

    exit_code = 7
    family = "storage error"


class BusyError(SrtError):
    """Another run of the same trial is under way."""

    exit_code = 8
    family = "busy"
