"""The CONSORT 2025 checklist: each item, where this report has it, what is left to the author. Not here: the items."""

import re
from collections.abc import Iterator, Sequence

from analysis.reporting.checklist_items import (
    BLOCKS,
    DESIGN,
    HEAD,
    ITEMS,
    REASONS,
    RESTRICTED,
    SHARES,
    SITES,
    SOURCE,
    Item,
)
from analysis.reporting.methods.words import inside
from analysis.reporting.report import Paragraph, Picture, Report, Section
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from analysis.reporting.tables.disposition import STAGES
from data_contracts.spec import Trial

NAME = "consort-table"
NOT_HERE = "not produced here"
# Registries of WHO's network, by how their numbers begin. A doi of a paper is none, that of an ISRCTN has it in it.
REGISTERED = re.compile(
    r"\b(?:ISRCTN|NCT|ACTRN|ChiCTR|DRKS|CTRI/|PACTR|IRCT|TCTR|KCT|SLCTR|RBR-|RPCEC|LBCTR|jRCT|JPRN|UMIN|NTR|NL-OMON)\s*\w*\d"
    r"|\b(?:EudraCT|EUCT|CTIS)\b|\b20\d\d-\d{6}-\d\d",
    re.IGNORECASE,
)
Place = tuple[str, str]  # title, address on the page


def checklist(sections: Sequence[Section], trial: Trial) -> Table:
    """Return a row per item of CONSORT 2025; an empty table or figure of the report does not count.

    Args:
        sections: The other sections of the report.
        trial: The trial.
    """
    places = dict(_places(sections))
    has = {**_head(trial), **places, **dict(_declared(trial, places.get(DESIGN)))}
    groups = tuple(Group(tuple(_row(item, has) for item in items), part) for part, items in ITEMS.items())
    return Table(
        name=NAME,
        caption="CONSORT 2025: where this report has each item",
        columns=(
            Column("Item", "short"),
            Column("Topic", "text"),
            Column("What it asks for", "text"),
            Column("In this report", "text"),
            Column("For the author to supply", "text"),
        ),
        groups=groups,
        notes=(f"The items in our own words, after {SOURCE}. Read them there before you rely on them.",),
    )


def checklist_table(report: Report) -> Table:
    """Return the checklist of a report.

    Raises:
        LookupError: the report's audience is given none.
    """
    blocks = (block for section in report.sections for block in section.blocks)
    found = next((block for block in blocks if isinstance(block, Table) and block.name == NAME), None)
    if found is None:
        raise LookupError(f"the {report.audience} report has no checklist")
    return found


def _head(trial: Trial) -> dict[str, Place]:
    is_registered = REGISTERED.search(trial.registration) is not None
    known = {"title": "random" in trial.title.casefold(), "registration": is_registered}
    return {name: (HEAD[name], "") for name, is_there in known.items() if is_there}


def _declared(trial: Trial, design: Place | None) -> Iterator[tuple[str, Place]]:
    """Yield what the paragraph on the design tells of this trial, as its file declares it."""
    planned = trial.randomisation
    told = {
        SITES: trial.sites,
        SHARES: planned.ratio or planned.block_sizes,
        RESTRICTED: trial.strata or planned.block_sizes,
        BLOCKS: planned.block_sizes,
    }
    yield from ((name, design) for name, is_there in told.items() if is_there and design is not None)


def _places(sections: Sequence[Section]) -> Iterator[tuple[str, Place]]:
    """Yield what is in the report by the names of `Item.places`."""
    for section in sections:
        address = f"#{section.name}"
        for block in section.blocks:
            if isinstance(block, Table) and block.is_empty:
                continue
            yield f"{section.name}: *", (section.title, address)
            if isinstance(block, Table):
                yield block.name, (block.caption, f"#{block.name}")
                if block.name == REASONS.partition(":")[0] and _tells_why(block):
                    yield REASONS, (block.caption, f"#{block.name}")
            elif isinstance(block, Picture):
                yield block.name, (block.title, f"#{block.name}")
            elif isinstance(block, Paragraph) and block.title:
                yield f"{section.name}: {block.title}", (f"{section.title}, {inside(block.title)}", address)


def _tells_why(disposition: Table) -> bool:
    """Return whether the flow gives a reason wherever somebody was lost."""
    rows = [line for group in disposition.groups for line in group.rows]
    lost = [line for line in rows if line.cells[0].text.startswith(STAGES["lost"])]
    return all(line.cells[0].detail or all(cell.text == "0" for cell in line.cells[1:]) for line in lost)


def _row(item: Item, has: dict[str, Place]) -> Row:
    found = [has[name] for name in item.places if name in has]
    if not found:
        return row(item.number, item.topic, item.asks, NOT_HERE, item.author, mark="quiet")
    (title, address), *others = dict.fromkeys(found)
    also = f"also: {'; '.join(other for other, _ in others)}" if others else ""
    remains = " ".join(filter(None, (item.remains, *(what for name, what in item.lacks if name not in has))))
    return row(item.number, item.topic, item.asks, Cell(title, detail=also, link=address), remains)
