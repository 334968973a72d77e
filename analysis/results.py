"""The one results table: a row per statistic; tables and figures are views of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

Status = Literal["ok", "boundary", "refused", "failed", "not estimable"]

TEXT = "str"
NUMBER = "float64"
SCHEMA = {
    "trial": TEXT,
    "analysis": TEXT,
    "estimand": TEXT,
    "role": TEXT,  # primary, cross-check, secondary, sensitivity, descriptive
    "clause": TEXT,
    "outcome": TEXT,
    "population": TEXT,
    "visit": TEXT,
    "arm": TEXT,  # of an adjusted mean or a count; empty for a contrast
    "contrast": TEXT,  # such as "SRT - UC"; what a variance or a correlation belongs to; empty for a mean
    "at": TEXT,  # where a row stands beside visit and arm: a moderator's value, a delta, a reason
    "statistic": TEXT,  # closed list: see STATISTICS
    "value": NUMBER,
    "se": NUMBER,
    "df": NUMBER,  # infinite for a normal reference distribution
    "lower": NUMBER,
    "upper": NUMBER,
    "confidence": NUMBER,  # level of the limits
    "p_value": NUMBER,
    "family": TEXT,  # of hypotheses that are tested together
    "p_adjusted": NUMBER,  # for that family
    "gate": TEXT,  # rejected, not rejected, or not tested, at the family's level
    "unit": TEXT,
    "method": TEXT,
    "status": TEXT,
    "reason": TEXT,
    "n": "Int64",  # participants behind the row
    "n_observations": "Int64",
    "n_by_arm": TEXT,  # participants used, such as "UC 70, SRT 72"
    "seed": "Int64",
    "plan_hash": TEXT,
    "data_hash": TEXT,
    "code_version": TEXT,
    "allocation": TEXT,  # whose arms: "true", or "shuffled" while the trial is blinded
}
STATISTICS = (
    "adjusted mean",
    "adjusted mean difference",
    "treatment effect",  # one effect over all visits
    "standardised difference",  # such a difference over the SD within arms
    "residual sd",  # at a visit, where it differs between visits
    "participant sd",
    "random effect sd",
    "correlation",  # of the residuals of two visits
    "log-likelihood",
    "aic",
    "residual quantile",  # mean of standardised residuals next to each other; `at` is the normal probability
    "residual median",  # of standardised residuals; its limits are the quartiles
    "fitted",  # median fitted value of a group of residuals
    "observed mean",
    "observed sd",
    "median",
    "lower quartile",
    "upper quartile",
    "count",
    "percent",
    "missing",  # participants without the value
    "interaction",  # how the difference changes: per unit of a moderator, or from its first level
    "interaction test",  # F of no interaction; df is the denominator's
    "moderator value",  # where an effect is estimated: a quartile
    "intraclass correlation",
    "design effect",  # by which clustering multiplies a variance
    "proportion",
    "risk difference",
    "risk ratio",
    "odds ratio",
    "conditional odds ratio",
    "common odds ratio",  # of a higher level
    "rate",
    "rate ratio",
    "dispersion",
    "follow-up",
    "event-free",  # share without the event
    "log-rank",  # chi-square
    "hazard ratio",
    "restricted mean",
    "restricted mean difference",
    "imputed",  # participants whose outcome was
    "monte-carlo error",  # of a pooled estimate: what another seed may change
    "other standard error",  # by the method `at` names
    "tipping delta",
    "delta-adjusted difference",
    "complier average causal effect",
    "first-stage f",
    "mean",
    "total",
    "minimum",
    "maximum",
    "second route",  # distance of an estimate from the same found another way, in standard errors
    "agreement",  # |difference| of two routes in standard errors
)


EVERYBODY = ""  # the arm of a row over all arms together


@dataclass(frozen=True, slots=True)
class Statistic:
    """One row of the results table, before the run's provenance is added."""

    statistic: str
    value: float
    visit: str = ""
    arm: str = ""
    contrast: str = ""
    se: float = float("nan")
    df: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")
    confidence: float = float("nan")
    p_value: float = float("nan")
    unit: str = ""
    method: str = ""
    status: Status = "ok"
    reason: str = ""
    n: int | None = None
    n_observations: int | None = None
    n_by_arm: str = ""
    at: str = ""


def alone(row: Statistic, statistic: str, value: float) -> Statistic:
    """Return a single number that belongs to another row's place: without error, limits and p-value."""
    nan = float("nan")
    return replace(
        row,
        statistic=statistic,
        value=value,
        se=nan,
        df=nan,
        lower=nan,
        upper=nan,
        confidence=nan,
        p_value=nan,
    )


Records = list[dict[str, object]]


def result_records(rows: Iterable[Statistic], **shared: str | int) -> Records:
    """Return rows as records of the results table; `shared` gives the columns all rows have in common.

    Raises:
        KeyError: a shared column is not in the schema.
    """
    if unknown := set(shared) - set(SCHEMA):
        raise KeyError(f"not columns of the results table: {sorted(unknown)}")
    return [{**shared, **{name: getattr(row, name) for name in Statistic.__slots__}} for row in rows]


def results_frame(rows: Iterable[Statistic], **shared: str | int) -> pd.DataFrame:
    """Return rows as the results table; `shared` as in `result_records`."""
    return results_table(result_records(rows, **shared))


def results_table(records: Records) -> pd.DataFrame:
    """Return records as the results table: typed once, since typing costs more than the records."""
    return typed(pd.DataFrame.from_records(records, columns=list(SCHEMA)))


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the schema's columns, order and types; missing text is empty."""
    whole = frame.reindex(columns=list(SCHEMA))
    text = [name for name, kind in SCHEMA.items() if kind == TEXT]
    whole[text] = whole[text].astype("object").where(whole[text].notna(), "")
    return whole.astype(SCHEMA)
