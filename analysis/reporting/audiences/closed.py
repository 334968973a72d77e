"""The content of a closed report: results by letters, without what tells which arm is the therapy.

Not here: the letters and the plan by letters (coded), the key they are drawn with (pipelines).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.reporting.audiences.coded import Letters, Words, coded_trial, draw_letters, left_out
from analysis.reporting.audiences.open import POOLED, STAGES, open_content
from analysis.reporting.audiences.records import records_of
from analysis.reporting.content import ReportContent
from analysis.reporting.deviations import departures
from analysis.reporting.headline import headlines
from analysis.reporting.report import Paragraph
from analysis.reporting.table import Table
from analysis.reporting.tables.deviations import deviations_table
from analysis.results import typed
from data_contracts.blinding import THERAPIST, revealing_columns
from data_contracts.operations import Disclosure
from data_contracts.spec import Trial

DIFFERENCES = (
    "adjusted mean difference", "treatment effect", "standardised difference", "interaction", "risk difference",
    "restricted mean difference",
)  # fmt: skip
RATIOS = (
    "risk ratio",
    "odds ratio",
    "conditional odds ratio",
    "common odds ratio",
    "rate ratio",
    "hazard ratio",
)
UNSIGNED = ("interaction test", "log-rank", "second route", "agreement")
BY_ARM = (
    "adjusted mean", "count", "percent", "mean", "total", "proportion", "rate", "follow-up", "event-free",
    "restricted mean",
)  # fmt: skip
OF_MODEL = (
    "residual sd", "correlation", "participant sd", "log-likelihood", "aic", "dispersion", "agreement", "second route",
    "moderator value",
)  # fmt: skip
SAID = (
    "Arms are called by letters that the trial's secret key gives. With two arms differences are always A less B, "
    "whichever is the reference arm. Left out, since they would tell which arm is the therapy: the "
    "delivery of the therapy, populations judged on it, and {analyses}."
)


def closed_content(content: ReportContent, key: bytes) -> ReportContent:
    """Return the content of the closed report.

    Args:
        content: The whole content, on the allocation the report is to be of.
        key: The trial's key for letters.
    """
    trial, letters = content.trial, draw_letters(content.trial, key)
    words, coded = Words(trial), coded_trial(trial, letters)
    every = trial.model_copy(update={"report": Disclosure(small_cells=0)})
    pooled = open_content(replace(content, trial=every))
    findings = pooled.findings.assign(message=pooled.findings["message"].map(words.masked))
    return replace(
        pooled,
        trial=coded,
        results=coded_rows(content.results, trial, coded, letters).assign(trial=trial.name),
        findings=findings,
        notes=tuple(map(words.masked, pooled.notes)),
        provenance={**pooled.provenance, "sources": [], "left_out": said(trial)},
        audience="closed",
        links={},
    )


def said(trial: Trial) -> str:
    """Return what the closed report leaves out, and why."""
    return SAID.format(analyses="; ".join(left_out(trial)) or "no analysis")


def about(content: ReportContent) -> Iterator[Paragraph]:
    """Yield the primary result, and what the closed report leaves out.

    The result stands here as a sentence: over the report it would be called better or worse "than the reference".
    """
    for said_of_it in headlines(content.results, content.trial):
        yield Paragraph(f"{said_of_it.sentence} {said_of_it.detail}".strip())
    yield Paragraph(content.provenance["left_out"], "notes")


def departed(content: ReportContent) -> Iterator[Table]:
    """Yield what was done otherwise than planned, as far as the program finds it: people's words may name an arm."""
    yield deviations_table(departures(content), content.trial)


def coded_rows(results: pd.DataFrame, trial: Trial, coded: Trial, letters: Letters) -> pd.DataFrame:
    """Return the rows that tell no arm by letters, in an order that tells none either."""
    words = Words(trial)
    rows = [row for record in records_of(results) for row in _coded(record, trial, coded, letters, words)]
    whole = typed(pd.DataFrame.from_records(rows, columns=list(results.columns)))
    return whole.loc[_order(whole)].reset_index(drop=True)


def _order(rows: pd.DataFrame) -> pd.Index:
    """Return the rows in an order that is the same whichever arm stands first in the plan and in the results.

    Each row's place among those of its own arm counts, the lower one where two arms have it at different places.
    """
    if rows.empty:
        return rows.index
    pooled = rows.loc[rows["arm"].eq(""), "outcome"]
    outcomes = list(dict.fromkeys([*pooled, *sorted(set(rows["outcome"]))]))
    analyses = list(dict.fromkeys(rows["analysis"]))
    own = rows.groupby(["analysis", "outcome", "arm", "contrast"], sort=False).cumcount()
    keyed = rows.assign(
        _analysis=rows["analysis"].map(analyses.index), _outcome=rows["outcome"].map(outcomes.index), _own=own
    )
    place = ["analysis", "outcome", "statistic", "visit", "contrast", "at"]
    keyed["_own"] = keyed.groupby(place)["_own"].transform("min")
    return keyed.sort_values(
        ["_analysis", "_outcome", "_own", "statistic", "visit", "at", "contrast", "arm"]
    ).index


def _coded(
    record: dict[str, Any], trial: Trial, coded: Trial, letters: Letters, words: Words
) -> Iterator[dict[str, Any]]:
    if not _may_pass(record, trial, coded, letters, words):
        return
    told: dict[str, Any] = {
        "arm": letters.of.get(record["arm"], ""),
        "n_by_arm": _sizes(record["n_by_arm"], letters),
        **{name: words.masked(record[name]) for name in ("method", "reason")},
    }
    if record["contrast"] and (contrast := letters.contrast(record["contrast"])):
        told["contrast"] = contrast
        if letters.is_turned:
            told |= _turned(record)
    yield {**record, **told, "allocation": ""}


def _may_pass(record: dict[str, Any], trial: Trial, coded: Trial, letters: Letters, words: Words) -> bool:
    if words.has(record["at"]) or record["population"] not in {"", *coded.populations}:
        return False
    if record["role"] == "descriptive":
        return _described(record, trial, coded)
    if record["analysis"] not in coded.analyses:
        return False
    if letters.contrast(record["contrast"]):
        return record["statistic"] in (*DIFFERENCES, *RATIOS, *UNSIGNED)
    return record["statistic"] in (BY_ARM if record["arm"] else OF_MODEL) and not words.has(
        record["contrast"]
    )


def _described(record: dict[str, Any], trial: Trial, coded: Trial) -> bool:
    """Return whether a description by arm treats the arms alike."""
    analysis, outcome = record["analysis"], record["outcome"]
    if record["statistic"] not in POOLED.get(analysis, ()):
        return False
    telling = {THERAPIST, *(column for columns in revealing_columns(trial).values() for column in columns)}
    if analysis in {"disposition", "disposition by site"}:
        return outcome in STAGES
    if analysis == "populations":
        return outcome in coded.populations
    return outcome.partition("[")[0] not in telling


def _sizes(n_by_arm: str, letters: Letters) -> str:
    """Return "UC 70, SRT 72" by letters, in their order."""
    pairs = [part.rpartition(" ") for part in n_by_arm.split(", ") if part]
    return ", ".join(sorted(f"{letters.of[arm]} {n}" for arm, _, n in pairs if arm in letters.of))


def _turned(record: dict[str, Any]) -> dict[str, float]:
    """Return an effect the other way round: a difference with its sign turned, a ratio inverted."""
    value, lower, upper, se = (record[name] for name in ("value", "lower", "upper", "se"))
    if record["statistic"] in DIFFERENCES:
        return {"value": -value, "lower": -upper, "upper": -lower}
    if record["statistic"] in RATIOS:
        # The standard error of a ratio is that of its logarithm times the ratio (delta method).
        inverse = {name: _inverse(x) for name, x in (("value", value), ("lower", upper), ("upper", lower))}
        return {**inverse, "se": se * inverse["value"] ** 2}
    return {}


def _inverse(value: float) -> float:
    return float("inf") if value == 0 else 1 / value
