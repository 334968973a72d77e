"""What the validation page is made of. Not here: gathering it (assets.validation), drawing it (page)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from analysis.derive.retention import Followed
from data_contracts.spec import Trial

SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One form's file as the night received it; one that did not come has no name."""

    form: str
    name: str = ""
    sha256: str = ""
    size: int = 0  # bytes
    modified: datetime | None = None  # UTC
    records: int = 0
    is_other: bool | None = None  # than the night before; None when that is not known
    n_unreadable: int = 0  # cells
    absent_columns: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # the reader's


@dataclass(frozen=True, slots=True, eq=False)
class ValidationContent:
    """Everything the page says; it holds no value of a record, so that it can't show one."""

    trial: Trial
    run_id: str
    time: datetime  # UTC
    withheld: bool
    reasons: tuple[str, ...]  # why withheld, a sentence each
    findings: (
        pd.DataFrame
    )  # rule form columns dimension severity effect message owner passed error n_failed n_checked
    counts: pd.DataFrame  # form, rows_in, accepted, quarantined
    asked: pd.DataFrame  # query_id, form, rule: the queries this night raises
    files: tuple[Delivered, ...]
    followed: Followed | None  # None when it can't be told
    telling: frozenset[str]  # rules of which to know who breaks them tells the arm
    history: Mapping[
        str, pd.DataFrame
    ]  # nights, trend, lives, changes, overdue: see pipelines.querybook.overview
    facts: Mapping[str, Any]  # data_hash, plan_hash, code_version, allocation, lock

    @property
    def zone(self) -> tzinfo:
        """Return the trial's time zone: a night is a day there."""
        return ZoneInfo(self.trial.night.time_zone)

    @property
    def broken(self) -> pd.DataFrame:
        """Return the rules that were broken, or that could not be judged."""
        return self.findings[~self.findings["passed"].astype(bool)]

    @property
    def is_blinded(self) -> bool:
        """Return whether the arms are hidden."""
        return self.facts.get("allocation") == "shuffled"

    @property
    def nights(self) -> pd.DataFrame:
        """Return the nights, oldest first; a run that found what the last one found is no night of its own."""
        return self.history["nights"]

    def label(self, form: str) -> str:
        """Return a form's name for a reader."""
        return self.trial.forms[form].label if form in self.trial.forms else form

    def docs(self, form: str) -> str:
        """Return the address of a form's Data Docs, "" of a form that was not judged."""
        return f"docs/{form}.html" if form in set(self.counts["form"]) else ""
