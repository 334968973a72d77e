"""The open report's rows with small counts hidden, and whatever else would tell them. Not here: which (small_cells)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.estimators.baseline import BASELINE, OBSERVED, variable_and_level
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.estimators.distribution import DISTRIBUTION
from analysis.estimators.missing_data import MISSING, PATTERNS, SEEN, UNSEEN
from analysis.estimators.recruitment import RECRUITMENT
from analysis.reporting.audiences.coarse import joined
from analysis.reporting.audiences.counted import (
    EXCLUDED,
    LEFT,
    RANDOMISED,
    Counts,
    always_published,
    relations,
    spared,
)
from analysis.reporting.audiences.records import records_of
from analysis.reporting.audiences.small_cells import Sign, Signs, protect
from analysis.reporting.estimates import Estimate
from analysis.results import typed
from data_contracts.errors import ContractError
from data_contracts.spec import Trial

HIDDEN = "refused"  # status of a row whose number is not shown; its reason is what stands there
OF_VALUES = ("observed mean", "observed sd", "median", "lower quartile", "upper quartile")
CLASSES = (  # of patterns of missing visits
    "seen at every visit",
    "missed a visit and came back",
    "left after a follow-up",
    "not seen after baseline",
)


def shown_as(sign: Sign, threshold: int) -> str:
    """Return what stands in place of a hidden count."""
    return {"small": f"<{threshold}", "large": f"≥{threshold}", "withheld": "not shown"}[sign]


def without_small_cells(
    results: pd.DataFrame, records: Mapping[str, int], trial: Trial
) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Return rows that tell no small count, and what stands in place of hidden numbers of records.

    Args:
        results: Rows pooled over arms: see open.
        records: By `records/<form>/<column>`, of forms in which a record is an event.
        trial: The trial; its `[report] small_cells` is the threshold.
    """
    threshold = trial.report.small_cells
    if threshold <= 1:
        return results, {}
    folded, counts, signs = _protected(_folded(results, trial), records, trial)
    kept = [*_kept(folded, counts, signs, threshold), *_joined(folded, counts, signs, trial)]
    whole = typed(pd.DataFrame.from_records(kept, columns=list(results.columns)))
    return whole, {name: shown_as(signs[name], threshold) for name in records if name in signs}


def _protected(
    results: pd.DataFrame, records: Mapping[str, int], trial: Trial
) -> tuple[pd.DataFrame, Counts, Signs]:
    """Return the rows, their counts, and the signs.

    Where no sign keeps a count hidden, as in a trial that has just begun, first the sites go, then every count.
    """
    threshold = trial.report.small_cells
    for rows in (results, results[results["analysis"] != BY_SITE]):
        counts = Counts.of(rows, records)
        try:
            known, fixed = relations(counts, trial), always_published(counts, trial)
            signs = protect(counts.values, known, threshold, fixed, spared(counts))
        except ContractError:
            continue
        return rows, counts, signs
    return rows, counts, dict.fromkeys(set(counts.values) - always_published(counts, trial), "withheld")


def _folded(results: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return the rows with patterns in classes where some are rare, and sites without those stages that tell few.

    By site, those excluded after randomisation count as not observed and as not analysed.
    """
    threshold = trial.report.small_cells
    of_site = results["analysis"] == BY_SITE
    excluded = results[of_site & (results["outcome"] == EXCLUDED)]
    more = results["at"].map(excluded.groupby("at")["value"].sum()).fillna(0.0)
    unseen = of_site & results["outcome"].isin(["lost", LEFT])
    folded = results.assign(value=results["value"] + more.where(unseen, 0.0)).drop(index=excluded.index)
    folded = folded.drop(index=folded.index[_tells_few(results, folded, threshold)])
    patterns = folded[folded["analysis"] == PATTERNS]
    counts = patterns[patterns["statistic"] == "count"]
    if not counts["value"].between(1, threshold - 1).any():
        return folded
    classes = pd.DataFrame.from_records(list(_classes(counts, trial)), columns=list(results.columns))
    return typed(pd.concat([folded.drop(index=patterns.index), classes], ignore_index=True))


def _classes(counts: pd.DataFrame, trial: Trial) -> Iterator[dict[str, Any]]:
    """Yield the counts of patterns by class, each with none or with many."""
    first = records_of(counts.head(1))[0]
    sizes = counts.groupby(counts["at"].map(lambda at: class_of(at, trial)))["value"].sum()
    for names, n in joined(((c, int(sizes.get(c, 0))) for c in CLASSES), trial.report.small_cells):
        if n:
            yield {**first, "at": " or ".join(names), "value": float(n)}


def class_of(pattern: str, trial: Trial) -> str:
    """Return what a pattern of seen and missing visits amounts to."""
    follow_ups = "".join(sign for sign, v in zip(pattern, trial.visits, strict=True) if not v.baseline)
    if UNSEEN not in pattern:
        return CLASSES[0]
    if SEEN not in follow_ups:
        return CLASSES[3]
    return CLASSES[1 if UNSEEN + SEEN in pattern else 2]


def _tells_few(results: pd.DataFrame, folded: pd.DataFrame, threshold: int) -> pd.Series:
    """Return which rows by site are of a stage at which few are missing at some site, or only those excluded."""
    of_site, unseen = folded["analysis"].eq(BY_SITE), folded["outcome"].isin(["lost", LEFT])
    few = set(folded.loc[of_site & unseen & folded["value"].between(1, threshold - 1), "visit"])
    others = results[results["analysis"].eq(DISPOSITION) & results["outcome"].isin(["lost", LEFT])]
    nobody = folded["visit"].map(others.groupby("visit")["value"].sum()).fillna(0.0).eq(0)
    return of_site & folded["outcome"].ne(RANDOMISED) & (folded["visit"].isin(few) | nobody)


def _kept(results: pd.DataFrame, counts: Counts, signs: Signs, threshold: int) -> Iterator[dict[str, Any]]:
    values = counts.values
    for record, row in zip(records_of(results), results.itertuples(index=False), strict=True):
        found = Estimate.of(row)
        if found.analysis in {DISTRIBUTION, RECRUITMENT}:
            continue
        bare = {**record, "n": None, "n_observations": None, "n_by_arm": ""}
        if found.key in signs:
            yield {
                **bare,
                "value": float("nan"),
                "status": HIDDEN,
                "reason": shown_as(signs[found.key], threshold),
            }
        elif found.statistic == "percent":
            if not any(base in signs for base in _told_by(found, counts)):
                yield bare
        elif found.statistic not in OF_VALUES or values.get(_beside(found, "count"), 0) >= threshold:
            yield bare


def _beside(found: Estimate, statistic: str, analysis: str = "") -> str:
    """Return the key of another statistic of the same place."""
    parts = (analysis or found.analysis, found.outcome, statistic, found.visit, "")
    return "/".join([*parts, found.at] if found.at else parts)


def _told_by(found: Estimate, counts: Counts) -> list[str]:
    """Return the counts that a percentage tells: its own, and those that its base follows from."""
    if found.analysis == MISSING:
        return [_beside(found, "missing", OBSERVED)]
    own = [_beside(found, "count")]
    if found.analysis == BASELINE:
        variable = variable_and_level(found.outcome)[0]
        return [*own, *counts.names(BASELINE, outcome=variable, statistic="missing")]
    return own


def _joined(results: pd.DataFrame, counts: Counts, signs: Signs, trial: Trial) -> Iterator[dict[str, Any]]:
    """Yield months and bins, each with none or with many: neighbours are taken together."""
    threshold = trial.report.small_cells
    yield from _together(results[results["analysis"] == RECRUITMENT], threshold, lambda names: names[-1])
    bins = results[(results["analysis"] == DISTRIBUTION) & (results["outcome"] == trial.primary.outcome)]
    for visit, rows in bins.groupby("visit", sort=False):
        told = counts.names(OBSERVED, outcome=trial.primary.outcome, visit=str(visit), statistic="count")
        if not any(name in signs for name in told):
            yield from _together(rows, threshold, _span)


def _together(
    rows: pd.DataFrame, threshold: int, name_of: Callable[[tuple[str, ...]], str]
) -> Iterator[dict[str, Any]]:
    by_name = {str(record["at"]): record for record in records_of(rows)}
    for names, n in joined(((name, int(r["value"])) for name, r in by_name.items()), threshold):
        yield {**by_name[names[-1]], "at": name_of(names), "value": float(n)}


def _span(names: tuple[str, ...]) -> str:
    return f"{names[0].partition(' to ')[0]} to {names[-1].partition(' to ')[2]}"
