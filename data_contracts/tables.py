"""What one hop hands to the next: named tables and a few facts about them. Not here: storing (pipelines.store)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a night without news passes these along and needs no pandas
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Tables by name, and facts (JSON values: hashes, counts, sentences) about them as a whole."""

    frames: Mapping[str, "pd.DataFrame"]
    facts: Mapping[str, Any] = field(default_factory=dict)
