"""A questionnaire as its file declares it. Not here: scoring (analysis.derive.scoring)."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Declared(BaseModel):
    """A frozen object read from a TOML table; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Scale(Declared):
    """A score made from items: sum, mean, count of some answers, or one item in percent of another."""

    label: str
    items: tuple[int, ...]
    method: Literal["sum", "mean", "count", "percentage"] = "sum"
    counted: tuple[int, ...] = ()  # with method "count": the answers, after reversal, that count as one
    range: tuple[float, float]
    better: Literal["higher", "lower"]
    minimum_answered: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of items; 1 = no proration
    proration: Literal["person mean", "as answered"] = (
        "person mean"  # for items left out: their mean, or nothing
    )
    cutoffs: Mapping[str, tuple[float, float]] = Field(default_factory=dict)  # label -> (lowest, highest)
    reliability: float | None = None  # for the reliable change index
    minimal_important_difference: float | None = None

    @model_validator(mode="after")
    def _method_has_its_items(self) -> Self:
        if (self.method == "count") != bool(self.counted):
            raise ValueError('`counted` goes with method "count", and only with it')
        if self.method == "percentage" and (len(self.items) != 2 or self.minimum_answered < 1):
            raise ValueError("a percentage has two items, the part and the whole, and needs both")
        return self


class WorkedExample(Declared):
    """Answers and the scores they must give; each is a test."""

    answers: tuple[float | Literal["missing"], ...]
    scores: Mapping[str, float | Literal["missing"]]
    why: str = ""


class Instrument(Declared):
    """A questionnaire: items, their legal answers, scales, proration and worked examples."""

    name: str
    title: str
    area: str
    source: str  # paper or manual
    n_items: Annotated[int, Field(ge=1)]
    answers: tuple[float, ...] = ()  # legal answers of every item, when they are few
    range: tuple[float, float] | None = None  # or a range of legal answers
    answers_of: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)  # item number -> its own
    answer_labels: Mapping[str, str] = Field(default_factory=dict)
    reversed: tuple[int, ...] = ()
    scales: Mapping[str, Scale]
    examples: tuple[WorkedExample, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _items_exist(self) -> Self:
        if not self.answers and self.range is None:
            raise ValueError("give `answers` or `range`: the legal answers of an item")
        named = {i for scale in self.scales.values() for i in scale.items} | set(self.reversed)
        named |= {int(i) for i in self.answers_of}
        if beyond := sorted(i for i in named if not 1 <= i <= self.n_items):
            raise ValueError(f"items {beyond} are named, but there are {self.n_items} items")
        for example in self.examples:
            if len(example.answers) != self.n_items:
                raise ValueError(f"an example has {len(example.answers)} answers for {self.n_items} items")
            if unknown := sorted(set(example.scores) - set(self.scales)):
                raise ValueError(f"an example scores unknown scales {unknown}")
        return self

    def legal_answers(self, item: int) -> tuple[float, ...]:
        """Return the legal answers of an item, or () where a range rules."""
        return self.answers_of.get(str(item), self.answers)

    def answer_range(self, item: int) -> tuple[float, float]:
        """Return the lowest and the highest legal answer of an item."""
        if legal := self.legal_answers(item):
            return min(legal), max(legal)
        if self.range is None:  # the validator above forbids it
            raise AssertionError
        return self.range
