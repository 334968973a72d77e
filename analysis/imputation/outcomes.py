"""A trial's outcomes as arrays: participant by visit, with arms and covariates. Not here: events, models.

Participants stand in the natural order of their names, whatever the order of the rows: so draws do not depend on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes, Mask


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns are what, and the two models.

    `covariates` are terms of the imputation model beside arm × visit ("base*visit", "site");
    `analysis_covariates` are terms of the analysis of each visit beside the arm.
    """

    outcome: str
    subject: str
    visit: str
    arm: str
    reference: Any
    covariates: Sequence[str] = ()
    analysis_covariates: Sequence[str] = ()
    cluster: str = ""
    group: str = ""  # a covariance of its own for each level of this column
    covariance: str = "us"
    method: str = "reml"

    @property
    def formula(self) -> str:
        """The imputation model; arm × visit is always in it  [RBI-1]."""
        terms = [*self.covariates, f"{quoted(self.arm)} * {quoted(self.visit)}"]
        return f"{quoted(self.outcome)} ~ {' + '.join(terms)}"

    @property
    def analysis_formula(self) -> str:
        """The analysis of one visit."""
        return f"{quoted(self.outcome)} ~ {' + '.join([quoted(self.arm), *self.analysis_covariates])}"


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Outcomes of n participants at T visits, with what the models need of each."""

    roles: Roles
    participants: tuple[Any, ...]  # (n,)
    visits: tuple[Any, ...]  # (T,)
    arms: tuple[Any, ...]  # (A,)
    arm: Codes  # (n,)
    y: Array  # (n, T), NaN where not observed
    cells: pd.DataFrame  # n·T rows, visit within participant: covariates of every participant at every visit
    people: pd.DataFrame  # n rows: arm and covariates of the analysis
    units: Codes  # (n,) clusters, or participants where there are none

    @property
    def reference(self) -> int:
        """Number of the reference arm."""
        return self.arms.index(self.roles.reference)

    @property
    def others(self) -> list[int]:
        """Numbers of the other arms."""
        return [number for number in range(len(self.arms)) if number != self.reference]

    @property
    def is_missing(self) -> Mask:
        """(n, T)."""
        return np.isnan(self.y)

    @property
    def n(self) -> int:
        """Participants."""
        return len(self.participants)

    def index_of(self) -> Mapping[Any, int]:
        """Where each participant stands."""
        return {name: number for number, name in enumerate(self.participants)}


def everyone_in(arm: Any, arms: pd.Series, n: int) -> pd.Series:
    """A column like `arms` in which all n are in one arm."""
    codes = np.full(n, list(arms.cat.categories).index(arm))
    return pd.Series(
        pd.Categorical.from_codes(codes.tolist(), dtype=pd.CategoricalDtype(arms.cat.categories))
    )


def quoted(name: str) -> str:
    """A column's name as a formula reads it."""
    return name if name.isidentifier() else f"`{name}`"
