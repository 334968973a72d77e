"""A report as a value: what stands in it, in order. Not here: what it says (sections), pages of it (html, word)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from analysis.reporting.consort import Flow
from analysis.reporting.headline import Headline
from analysis.reporting.table import Table
from data_contracts.standing import Audience


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `mark` says how it stands."""

    text: str
    mark: Literal["", "notes", "warning"] = ""
    title: str = ""  # a few words in front, such as an analysis' label
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, drawn once: SVG for a page, PNG for Word; `said` is what it shows, in words."""

    name: str
    title: str
    said: str
    svg: str
    png: bytes = field(repr=False)
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True, slots=True)
class FlowChart:
    """The participant flow: boxes on a page, the picture in Word."""

    flow: Flow
    picture: Picture | None = None
    kind: ClassVar[str] = "flow"


Block = Paragraph | Table | Picture | FlowChart


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report, as the contents list names it."""

    name: str
    title: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report of one audience."""

    title: str
    audience: Audience
    registration: str
    description: str
    is_synthetic: bool
    marks: Mapping[str, str]  # over every page, by kind: shuffled, not-as-locked, and so on
    headlines: tuple[Headline, ...]
    key_figures: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    links: Mapping[str, str] = field(default_factory=dict)  # text -> address relative to the page
