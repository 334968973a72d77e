"""A random effect as plans and command lines write it, such as "therapist:arm=SRT". Not here: fitting it.

site                    a variance between sites
school:class            between the classes of each school
therapist:arm=SRT       between therapists, acting in one arm only (partially nested)
participant:1 + month   an intercept and a slope for each participant
"""

import re
from dataclasses import dataclass

COEFFICIENTS = re.compile(r"[01](\s*[+-]\s*.+)?")
WORD = re.compile(r"[^\W\d][\w.]*")
SYNTAX = "such as site, school:class, therapist:arm=SRT or participant:1 + month"


@dataclass(frozen=True, slots=True)
class RandomEffect:
    """Whose effects, with which coefficients, in whom."""

    factors: tuple[str, ...]  # columns; their combinations are the levels
    coefficients: str = "1"  # right-hand side of a formula
    column: str = ""  # the effects act where this column ...
    level: str = ""  # ... has this level; empty: everywhere

    @property
    def name(self) -> str:
        """Return the columns as one name."""
        return ":".join(self.factors)

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the columns that the coefficients use."""
        return tuple(dict.fromkeys(WORD.findall(self.coefficients)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column it needs."""
        condition = (self.column,) if self.column else ()
        return tuple(dict.fromkeys([*self.factors, *self.variables, *condition]))


def random_effect(text: str) -> RandomEffect:
    """Return the random effect that a text means: columns, then coefficients and condition if there are any.

    Raises:
        ValueError: it can't be read.
    """
    parts = [part.strip() for part in text.split(":")]
    column, level = _condition(parts.pop()) if "=" in parts[-1] else ("", "")
    coefficients = parts.pop() if parts and COEFFICIENTS.fullmatch(parts[-1]) else "1"
    found = RandomEffect(tuple(parts), coefficients, column, level)
    if not parts or not all(parts) or any("=" in name for name in parts) or bool(column) != bool(level):
        raise ValueError(f"the random effect {text!r} can't be read; write it {SYNTAX}")
    return found


def _condition(text: str) -> tuple[str, str]:
    column, _, level = text.partition("=")
    return column.strip(), level.lstrip("=").strip().strip("'\"")
