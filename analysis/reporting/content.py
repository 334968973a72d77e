"""What a report is made of. Not here: drawing it (tables, figures), putting it on a page (document)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from data_contracts.spec import Trial
from data_contracts.standing import Audience


@dataclass(frozen=True, slots=True, eq=False)
class ReportContent:
    """Everything the report says; it holds no participant's record, so that it can't show one."""

    trial: Trial
    results: pd.DataFrame  # schema of analysis.results
    counts: pd.DataFrame  # form, rows_in, accepted, quarantined
    findings: pd.DataFrame  # rule, form, dimension, severity, effect, message, passed, n_failed, n_checked
    queries: pd.DataFrame  # form, severity, state (open, answered, resolved), n, oldest_days: counts only
    provenance: Mapping[str, Any]  # see tables.provenance
    notes: tuple[str, ...] = ()  # what was left aside between the accepted records and the analysis set
    audience: Audience = "final"
    set_aside: int | None = None  # allocation records, where their form is not among the counts
    links: Mapping[str, str] = field(default_factory=dict)  # text -> address relative to the page
