"""The content of a closed report: results by letters, without what tells which arm is the therapy.

Not here: the letters and the plan by letters (coded), its own sections (closed_sections), the key (pipelines).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.estimators.recruitment import BY_SITE as RECRUITED_BY_SITE
from analysis.estimators.unheld_events import UNHELD
from analysis.reporting.audiences.coded import (
    DIGITS,
    Letters,
    Words,
    coded_trial,
    draw_letters,
    tells_nothing,
)
from analysis.reporting.audiences.open import POOLED, STAGES, open_content
from analysis.reporting.audiences.records import records_of
from analysis.reporting.consort import allocations_set_aside
from analysis.reporting.content import ReportContent
from analysis.reporting.deviations import Departure, departures
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
UNSIGNED = ("interaction test", "log-rank")
BY_ARM = (
    "adjusted mean", "count", "percent", "mean", "total", "proportion", "rate", "follow-up", "event-free",
    "restricted mean", "observed mean", "observed sd",
)  # fmt: skip
OF_MODEL = (
    "residual sd", "correlation", "participant sd", "log-likelihood", "aic", "dispersion", "moderator value",
)  # fmt: skip
NUMBERS = ("value", "se", "df", "lower", "upper", "p_value", "p_adjusted")
ALSO = {  # analysis -> statistics that pass here beside those of the open report
    RECRUITED_BY_SITE: ("percent",),
    UNHELD: ("count",),
}
GIVEN = ("run_id", "python", "platform", "packages")  # of the run, and of what computed the numbers
APART = ("second route", "no second route")  # kinds of departure whose rows are left out


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
    told = pooled.findings[pooled.findings["form"].isin(pooled.counts["form"])]
    results = coded_rows(content.results, trial, coded, letters).assign(trial=trial.name)
    return replace(
        pooled,
        trial=coded,
        results=results,
        findings=told.assign(message=told["message"].map(words.masked)).reset_index(drop=True),
        notes=tuple(map(words.masked, pooled.notes)),
        provenance={**pooled.provenance, **_provenance(content, results, words)},
        audience="closed",
        set_aside=allocations_set_aside(
            content.counts, trial
        ),  # else any surplus of the screened would pass for them
        links={},
    )


def _provenance(content: ReportContent, results: pd.DataFrame, words: Words) -> Mapping[str, Any]:
    """Return what is told of the run besides what everybody may know, and what only the whole content knows."""
    from analysis.reporting.exports.files import results_csv

    return {
        **{name: content.provenance[name] for name in GIVEN if name in content.provenance},
        "reason": words.masked(str(content.provenance.get("reason", ""))),
        "allocation": "letters",
        "results_rows": len(results),
        "results_csv_sha256": hashlib.sha256(results_csv(results)).hexdigest(),
        "planned": content.trial,
        "sources": [],
        "apart": tuple(_apart(content)),
    }


def _apart(content: ReportContent) -> Iterator[Departure]:
    """Yield which estimates were not borne out when computed a second way; by how much would tell the reference."""
    analyses = {name for name, one in content.trial.analyses.items() if tells_nothing(one, content.trial)}
    for found in departures(content):
        if found.kind in APART and found.analysis in analyses:
            yield replace(found, why="", source="")


def coded_rows(results: pd.DataFrame, trial: Trial, coded: Trial, letters: Letters) -> pd.DataFrame:
    """Return the rows that tell no arm by letters, in an order that tells none either."""
    words = Words(trial)
    rows = [row for record in records_of(results) for row in _coded(record, trial, coded, letters, words)]
    whole = _rounded(typed(pd.DataFrame.from_records(rows, columns=list(results.columns))))
    return whole.loc[_order(whole)].reset_index(drop=True)


def _rounded(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose numbers have 6 significant digits, and no negative zero.

    The last digits of an inverse, and the sign of a zero, tell that an effect was turned, and with it the reference.
    """
    return rows.assign(**{name: rows[name].map(_settled).astype(rows[name].dtype) for name in NUMBERS})


def _settled(number: float) -> float:
    return float(f"{number:.{DIGITS}g}") + 0.0 if pd.notna(number) and np.isfinite(number) else number


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
    if record["statistic"] not in (*POOLED.get(analysis, ()), *ALSO.get(analysis, ())):
        return False
    if analysis == UNHELD:
        return outcome in _events_analysed(coded)
    telling = {THERAPIST, *(column for columns in revealing_columns(trial).values() for column in columns)}
    if analysis in {"disposition", "disposition by site"}:
        return outcome in STAGES
    if analysis == "populations":
        return outcome in coded.populations
    return outcome.partition("[")[0] not in telling


def _events_analysed(coded: Trial) -> set[str]:
    """Return the events that an outcome of an analysis here is made from."""
    outcomes = (coded.estimands[one.estimand].outcome for one in coded.analyses.values())
    return {coded.outcomes[name].event for name in outcomes} - {""}


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
