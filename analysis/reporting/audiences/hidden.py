"""The open report's rows with small counts hidden, and whatever else would tell them. Not here: which (small_cells)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pandas as pd

from analysis.estimators.baseline import BASELINE, OBSERVED, variable_and_level
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.estimators.distribution import ABOVE, BELOW, DISTRIBUTION, TO
from analysis.estimators.missing_data import MISSING, PATTERNS
from analysis.estimators.recruitment import RECRUITMENT
from analysis.reporting import numbers
from analysis.reporting.audiences.coarse import ends_joined, joined
from analysis.reporting.audiences.counted import (
    EXCLUDED,
    LEFT,
    RANDOMISED,
    Counts,
    always_published,
    relations,
    spared,
)
from analysis.reporting.audiences.patterns import OR, counts_of_all, groupings, is_of
from analysis.reporting.audiences.records import records_of
from analysis.reporting.audiences.small_cells import Sign, Signs, floors, is_kept, protect
from analysis.reporting.estimates import Estimate
from analysis.results import typed
from data_contracts.errors import ContractError
from data_contracts.spec import Trial

HIDDEN = "refused"  # status of a row whose number is not shown; its reason is what stands there
MOMENTS = ("observed mean", "observed sd")
QUARTILES = ("median", "lower quartile", "upper quartile")
OF_VALUES = (*MOMENTS, *QUARTILES)
# Times the threshold: as many as may be counted lie in each quarter; a mean and an SD leave as many values open.
OF_MOMENTS, OF_QUARTILES = 2, 4
ROOM = 10  # values of the sum that a rounded mean leaves open, beside a number observed that is hidden


@dataclass(frozen=True, slots=True, eq=False)
class Suppressed:
    """The rows of the open report, their counts, the signs of hidden ones, and what is known of these all the same."""

    rows: pd.DataFrame
    counts: Counts
    signs: Signs
    floors: Mapping[str, int]  # the least that a hidden number observed can be


def shown_as(sign: Sign, threshold: int) -> str:
    """Return what stands in place of a hidden count."""
    said = {"small": f"<{threshold}", "large": f"≥{threshold}"}
    return said.get(sign, "not shown")


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
    found = suppressed(results, records, trial)
    kept = [*_kept(found, threshold), *_joined(found, trial)]
    whole = typed(pd.DataFrame.from_records(kept, columns=list(results.columns)))
    return whole, {name: shown_as(found.signs[name], threshold) for name in records if name in found.signs}


def suppressed(results: pd.DataFrame, records: Mapping[str, int], trial: Trial) -> Suppressed:
    """Return the rows with signs that keep each small count hidden.

    Where none does, as in a trial that has just begun, first the sites go, then every count.
    """
    of_patterns = results["analysis"] == PATTERNS
    patterns = results[of_patterns]
    every = counts_of_all(patterns[patterns["statistic"] == "count"], trial)
    rows = _without_few_by_site(results[~of_patterns], trial)
    for some in (rows, rows[rows["analysis"] != BY_SITE]):
        counts = Counts.of(some, records, every)
        known, fixed = list(relations(counts, trial)), always_published(counts, trial)
        try:
            signs = protect(
                counts.values, known, trial.report.small_cells, fixed, spared(counts), unseen=every
            )
        except ContractError:
            continue
        return _with_patterns(Suppressed(some, counts, signs, {}), patterns, trial)
    signs = dict.fromkeys(set(counts.values) - always_published(counts, trial), "withheld")
    return Suppressed(some, counts, signs, {})


def _with_patterns(found: Suppressed, patterns: pd.DataFrame, trial: Trial) -> Suppressed:
    """Return the same with the finest rows of patterns that tell no small count; with none if all do."""
    threshold, before = trial.report.small_cells, found.counts
    for own in chain(_pattern_rows(patterns, before.patterns, trial), [patterns.iloc[:0]]):
        counts = replace(before, rows={**before.rows, **Counts.of(own, {}, {}).rows})
        values = counts.values
        known = [relation for relation in relations(counts, trial) if relation.holds(values)]
        if own.empty or is_kept(values, known, threshold, found.signs):
            break
    observed = [
        n for a in (BASELINE, OBSERVED) for n in counts.names(a, statistic="count") if n in found.signs
    ]
    rows = pd.concat([found.rows, own], ignore_index=True)
    return Suppressed(rows, counts, found.signs, floors(observed, values, known, threshold, found.signs))


def _pattern_rows(patterns: pd.DataFrame, every: Mapping[str, int], trial: Trial) -> Iterator[pd.DataFrame]:
    """Yield the ways to show patterns that show no small count: each pattern, then classes, ever fewer of them."""
    if not every:
        return
    threshold = trial.report.small_cells
    if not any(0 < n < threshold for n in every.values()):
        yield patterns
    first = records_of(patterns[patterns["statistic"] == "count"].head(1))[0]
    for groups in groupings():
        names = [OR.join(classes) for classes in groups]
        sizes = {at: sum(n for name, n in every.items() if is_of(name, at, trial)) for at in names}
        if not any(0 < n < threshold for n in sizes.values()):
            rows = [{**first, "at": at, "value": float(n)} for at, n in sizes.items() if n]
            yield typed(pd.DataFrame.from_records(rows, columns=list(patterns.columns)))


def _without_few_by_site(results: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return the rows without those by site of a stage that tells few.

    By site, those excluded after randomisation count as not observed and as not analysed.
    """
    of_site = results["analysis"] == BY_SITE
    excluded = results[of_site & (results["outcome"] == EXCLUDED)]
    more = results["at"].map(excluded.groupby("at")["value"].sum()).fillna(0.0)
    unseen = of_site & results["outcome"].isin(["lost", LEFT])
    folded = results.assign(value=results["value"] + more.where(unseen, 0.0)).drop(index=excluded.index)
    return folded.drop(index=folded.index[_tells_few(results, folded, trial.report.small_cells)])


def _tells_few(results: pd.DataFrame, folded: pd.DataFrame, threshold: int) -> pd.Series:
    """Return which rows by site are of a stage at which few are missing at some site, or only those excluded."""
    of_site, unseen = folded["analysis"].eq(BY_SITE), folded["outcome"].isin(["lost", LEFT])
    few = set(folded.loc[of_site & unseen & folded["value"].between(1, threshold - 1), "visit"])
    others = results[results["analysis"].eq(DISPOSITION) & results["outcome"].isin(["lost", LEFT])]
    nobody = folded["visit"].map(others.groupby("visit")["value"].sum()).fillna(0.0).eq(0)
    return of_site & folded["outcome"].ne(RANDOMISED) & (folded["visit"].isin(few) | nobody)


def _kept(found: Suppressed, threshold: int) -> Iterator[dict[str, Any]]:
    values = {e.key: e.value for e in map(Estimate.of, found.rows.itertuples(index=False))}
    for record, row in zip(records_of(found.rows), found.rows.itertuples(index=False), strict=True):
        one = Estimate.of(row)
        if one.analysis in {DISTRIBUTION, RECRUITMENT}:
            continue
        bare = {**record, "n": None, "n_observations": None, "n_by_arm": ""}
        if one.key in found.signs:
            sign = shown_as(found.signs[one.key], threshold)
            yield {**bare, "value": float("nan"), "status": HIDDEN, "reason": sign}
        elif one.statistic == "percent":
            if not any(base in found.signs for base in _told_by(one, found.counts)):
                yield bare
        elif one.statistic not in OF_VALUES or _is_of_enough(one, found, threshold, values):
            yield bare


def _is_of_enough(
    of_values: Estimate, found: Suppressed, threshold: int, values: Mapping[str, float]
) -> bool:
    """Return whether a mean, an SD or a quartile is of enough to tell no value, nor a hidden number observed.

    Quartiles between two values tell the remainder of n by 4; a rounded mean tells of a large n nothing. That n is
    large must follow from what is published: else that the mean is shown would tell it.
    """
    base, is_moment = _beside(of_values, "count"), of_values.statistic in MOMENTS
    if base in found.signs:
        decimals = numbers.decimals_for(values.get(_beside(of_values, "observed sd"), math.nan))
        return is_moment and found.floors.get(base, 0) >= max(OF_MOMENTS * threshold, ROOM * 10**decimals)
    least = (OF_MOMENTS if is_moment else OF_QUARTILES) * threshold
    return values.get(base, 0) >= least


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


def _joined(found: Suppressed, trial: Trial) -> Iterator[dict[str, Any]]:
    """Yield months and bins, each with none or with many: neighbours are taken together."""
    results, threshold, outcome = found.rows, trial.report.small_cells, trial.primary.outcome
    months = {str(r["at"]): r for r in records_of(results[results["analysis"] == RECRUITMENT])}
    for names, n in joined(_sizes(months), threshold):
        yield {**months[names[-1]], "value": float(n)}
    bins = results[(results["analysis"] == DISTRIBUTION) & (results["outcome"] == outcome)]
    for visit, rows in bins.groupby("visit", sort=False):
        told = found.counts.names(OBSERVED, outcome=outcome, visit=str(visit), statistic="count")
        if not any(name in found.signs for name in told):
            yield from _bins(rows, threshold)


def _sizes(by_name: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    return ((name, int(record["value"])) for name, record in by_name.items())


def _bins(rows: pd.DataFrame, threshold: int) -> Iterator[dict[str, Any]]:
    """Yield bins of which the outer ones have no end, which would tell the extremes; none where all are in one."""
    by_name = {str(record["at"]): record for record in records_of(rows)}
    together = ends_joined(joined(_sizes(by_name), threshold))
    last = len(together) - 1
    for place, (names, n) in enumerate(together if last > 0 else ()):
        lower, upper = names[0].partition(TO)[0], names[-1].partition(TO)[2]
        at = (
            f"{BELOW}{upper}" if place == 0 else f"{lower}{ABOVE}" if place == last else f"{lower}{TO}{upper}"
        )
        yield {**by_name[names[-1]], "at": at, "value": float(n)}
