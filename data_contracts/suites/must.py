"""One rule from what its subject says of it. Not here: which rules there are (the files beside)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_contracts.rules import Dimension, Effect, Rule
from data_contracts.spec import Column, Form, Severity, Trial

EFFECTS: Mapping[Severity, Effect] = {"critical": "quarantine", "warning": "query", "info": "note"}
CONSEQUENCES: Mapping[Effect, str] = {
    "withhold": "Nothing is analysed until this is settled.",
    "quarantine": "The record is set aside until then.",
    "query": "The record stays in the analysis meanwhile.",
    "note": "For information only.",
}
PLAN_COLUMNS = ("arm", "site", "visit")  # their codes are the plan's, not the column's


@dataclass(frozen=True, slots=True, kw_only=True)
class Must:
    """What the data of a form must be, before the form's name and owner are added.

    `sentence` says what must hold, and stands beside a pass; `remedy` says what to do where it does not
    hold. Neither has a participant's value in it.
    """

    dimension: Dimension
    check: str
    columns: tuple[str, ...]
    severity: Severity
    sentence: str
    remedy: str
    effect: Effect | None = None  # else as the severity has it
    about: str = ""  # last part of the rule's id; else the columns
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reveals_allocation: bool = False
    owner: str = ""  # else the form's

    def on(self, form: Form) -> Rule:
        """Return the rule on one form."""
        effect = self.effect or EFFECTS[self.severity]
        return Rule(
            id=f"{form.name}.{self.dimension}.{self.about or '+'.join(self.columns)}",
            form=form.name,
            dimension=self.dimension,
            check=self.check,
            columns=self.columns,
            severity=self.severity,
            effect=effect,
            message=" ".join(part for part in (self.sentence, self.remedy, CONSEQUENCES[effect]) if part),
            owner=self.owner or form.owner,
            arguments={**self.arguments, "sentence": self.sentence},
            reveals_allocation=self.reveals_allocation,
        )


def called(column: Column) -> str:
    """Return how a message names a column: its label, and its name in the export."""
    return f"{column.label} ({column.in_file})" if column.label else column.in_file


def severity_of(form: Form, column: Column) -> Severity:
    """Return how grave a wrong value is: as declared, but critical in keys and in questionnaire items.

    An answer outside an instrument's legal answers would enter a score unseen, so the record is set aside
    rather than the answer blanked: nothing is lost (raw keeps it), and a mended file brings it back.
    """
    is_item = column.name not in form.columns
    return "critical" if is_item or column.name in {"participant", *form.key} else column.severity


def has_visits(form: Form) -> bool:
    """Return whether a form's records name their visit, in a column or by standing in a visit's column."""
    return "visit" in form.columns or bool(form.wide)


def columns_in(form: Form, trial: Trial) -> tuple[Column, ...]:
    """Return the form's columns and items, in order."""
    return tuple(trial.columns_of(form).values())
