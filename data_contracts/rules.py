"""A rule the data must obey, and what came of judging it. Not here: making rules (suites), judging (judge)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from data_contracts.spec import Severity

Dimension = Literal[
    "schema",
    "key",
    "completeness",
    "type",
    "code",
    "range",
    "reference",
    "visit",
    "date",
    "arithmetic",
    "allocation",
    "randomisation",
    "eligibility",
    "text",
    "pattern",
    "written",
]
Effect = Literal["withhold", "quarantine", "query", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation on one form; `check` names a kind of expectation, `arguments` are its own.

    Effects: `withhold` keeps the whole trial's data from analysis, `quarantine` sets the record aside,
    `query` asks about it, `note` only mentions it.
    """

    id: str  # stable over nights: form.dimension.column[.more]
    form: str
    dimension: Dimension
    check: str
    columns: tuple[str, ...]
    severity: Severity
    effect: Effect
    message: str  # what is wrong, in a data manager's words; no value of a participant
    owner: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reveals_allocation: bool = False  # who breaks it, or with what value, tells somebody's arm


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What came of one rule: the rows that break it, or the whole form."""

    rule: Rule
    passed: bool
    rows: tuple[int, ...] = ()  # values of the form's index `row`; empty for a failure of the form as a whole
    n_checked: int = 0
    error: str = ""  # the rule could not be evaluated: counts as a critical failure


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The judgement of one night's data; `withheld` says that nothing may be analysed."""

    findings: tuple[Finding, ...]
    withheld: bool
    reasons: tuple[str, ...]  # why withheld, a sentence each
    accepted: Mapping[str, pd.DataFrame]  # form -> records that passed, index `row`
    quarantine: pd.DataFrame  # form, row, participant, visit, rule, reason: whole records set aside
    queries: pd.DataFrame  # QUERY_COLUMNS
    counts: pd.DataFrame  # form, rows_in, accepted, quarantined


QUERY_COLUMNS = (
    "query_id",  # hash of trial, form, participant, visit, field, rule: the same each night
    "form",
    "row",
    "participant",
    "visit",
    "field",
    "value",  # as found; the query listing is the only place that shows it
    "rule",
    "dimension",
    "severity",
    "message",
    "owner",
)
