"""How the counts of the open report add up, within a table and between them. Not here: hiding them (hidden).

Each published count has a name: the key of its row of the results table, or `records/<form>/<column>`. A relation that
is true of the counts here but not in every trial (such as one population that another table counts again) may be
given all the same: one that doesn't hold is passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.estimators.baseline import BASELINE, OBSERVED, variable_and_level
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.estimators.harms import ANY, HARMS, OF_KIND
from analysis.estimators.missing_data import PATTERNS, SEEN
from analysis.estimators.populations import POPULATIONS
from analysis.estimators.recruitment import BY_SITE as RECRUITED_BY_SITE
from analysis.reporting.audiences.patterns import CLASSES, class_of, is_of
from analysis.reporting.audiences.small_cells import Relation, adds_up, at_most
from analysis.reporting.estimates import Estimate
from data_contracts.spec import Trial

COUNTED = {  # analyses whose rows are counts of people or events, and the statistics that are
    DISPOSITION: ("count",),
    BY_SITE: ("count",),
    POPULATIONS: ("count",),
    RECRUITED_BY_SITE: ("count",),
    BASELINE: ("count", "missing"),
    OBSERVED: ("count", "missing"),
    PATTERNS: ("count",),
    HARMS: ("count", "total"),
}
RANDOMISED, EXCLUDED, ANALYSED, LEFT = "randomised", "excluded", "analysed", "not analysed"
OF_EXCLUDED, OUTSIDE = "excluded after randomisation", "not in the population"  # reasons begin so


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of the open report by name, and the rows that they are."""

    rows: Mapping[str, Estimate]
    records: Mapping[str, int]  # of forms
    patterns: Mapping[str, int]  # by each pattern of missing visits that there may be: never published

    @classmethod
    def of(cls, results: pd.DataFrame, records: Mapping[str, int], patterns: Mapping[str, int]) -> "Counts":
        """Return the counts among rows that are pooled over arms."""
        found = (Estimate.of(record) for record in results.itertuples(index=False))
        counted = {e.key: e for e in found if e.statistic in COUNTED.get(e.analysis, ())}
        return cls(counted, records, patterns)

    @property
    def values(self) -> dict[str, int]:
        """Return the counts by name."""
        return {**{key: int(e.value) for key, e in self.rows.items()}, **self.records, **self.patterns}

    def names(self, analysis: str, **where: str) -> list[str]:
        """Return the names of the rows of an analysis whose columns equal what is given."""
        return [
            key
            for key, e in self.rows.items()
            if e.analysis == analysis
            and all(getattr(e, column) == wanted for column, wanted in where.items())
        ]

    @property
    def everybody(self) -> list[str]:
        """Return the name of the number randomised; none where the flow is not known."""
        return self.names(DISPOSITION, outcome=RANDOMISED)

    @property
    def excluded(self) -> list[str]:
        """Return the names of the counts of those excluded after randomisation."""
        return self.names(DISPOSITION, outcome=EXCLUDED)

    def population(self, trial: Trial) -> list[str]:
        """Return the name of the number in the primary population."""
        return self.names(POPULATIONS, outcome=trial.primary.population, at="")


def always_published(counts: Counts, trial: Trial) -> frozenset[str]:
    """Return the counts that every table rests on: randomised, excluded after it, in the primary population."""
    again = [k for k in counts.names(POPULATIONS) if counts.rows[k].at.startswith(OF_EXCLUDED)]
    return frozenset({*counts.everybody, *counts.excluded, *counts.population(trial), *again})


def spared(counts: Counts) -> frozenset[str]:
    """Return the counts that matter most to readers: how many are observed or missing, by visit, and at each site."""
    kept = (DISPOSITION, BY_SITE, RECRUITED_BY_SITE, OBSERVED, POPULATIONS)
    return frozenset(name for analysis in kept for name in counts.names(analysis))


def relations(counts: Counts, trial: Trial) -> Iterator[Relation]:
    """Yield what anybody may know of the counts before any is published."""
    yield from _flow(counts, trial)
    yield from _sites(counts, trial)
    yield from _populations(counts, trial)
    for whole in counts.population(trial):
        yield from _baseline(counts, whole)
        yield from _observed(counts, whole, trial)
        yield from _patterns(counts, whole, trial)
    yield from _harms(counts)
    yield from _records(counts, trial)
    yield from _observed_of_records(counts, trial)


def _flow(counts: Counts, trial: Trial) -> Iterator[Relation]:
    for whole in counts.everybody:
        for visit in trial.visits:
            of_visit = [*_stage(counts, "observed", visit.code), *_stage(counts, "lost", visit.code)]
            yield adds_up(whole, [*of_visit, *counts.excluded])
        yield adds_up(whole, [*_stage(counts, ANALYSED), *_stage(counts, LEFT), *counts.excluded])


def _stage(counts: Counts, stage: str, visit: str = "") -> list[str]:
    return counts.names(DISPOSITION, outcome=stage, visit=visit)


def _sites(counts: Counts, trial: Trial) -> Iterator[Relation]:
    """Yield that sites are everybody; those excluded count as not observed and as not analysed there."""
    for whole in counts.everybody:
        yield adds_up(whole, counts.names(BY_SITE, outcome=RANDOMISED))
        yield adds_up(whole, counts.names(RECRUITED_BY_SITE))
    for own in counts.names(BY_SITE, outcome=RANDOMISED):
        site = counts.rows[own].at
        for again in counts.names(RECRUITED_BY_SITE, at=site):
            yield adds_up(again, [own])
        for seen, unseen, visit in _stages(trial):
            here = {"visit": visit, "at": site}
            yield adds_up(own, [n for s in (seen, unseen) for n in counts.names(BY_SITE, outcome=s, **here)])
    for seen, unseen, visit in _stages(trial):
        for pooled in _stage(counts, seen, visit):
            yield adds_up(pooled, counts.names(BY_SITE, outcome=seen, visit=visit))
        together = dict.fromkeys([*_stage(counts, unseen, visit), *counts.excluded], 1)
        yield Relation({**together, **dict.fromkeys(counts.names(BY_SITE, outcome=unseen, visit=visit), -1)})


def _stages(trial: Trial) -> Iterator[tuple[str, str, str]]:
    yield ANALYSED, LEFT, ""
    for visit in trial.visits:
        yield "observed", "lost", visit.code


def _populations(counts: Counts, trial: Trial) -> Iterator[Relation]:
    outside = [n for n in _stage(counts, LEFT) if counts.rows[n].at.startswith(OUTSIDE)]
    for whole in counts.everybody:
        for name in trial.populations:
            yield adds_up(whole, counts.names(POPULATIONS, outcome=name))
        yield adds_up(whole, [*counts.population(trial), *counts.excluded, *outside])


def _baseline(counts: Counts, whole: str) -> Iterator[Relation]:
    names = counts.names(BASELINE)
    for variable in dict.fromkeys(variable_and_level(counts.rows[n].outcome)[0] for n in names):
        yield adds_up(whole, [n for n in names if variable_and_level(counts.rows[n].outcome)[0] == variable])
        outcome = variable.removesuffix("_baseline")
        for statistic in ("count", "missing"):
            for own in counts.names(BASELINE, outcome=variable, statistic=statistic):
                visit = counts.rows[own].visit
                for again in counts.names(OBSERVED, outcome=outcome, statistic=statistic, visit=visit):
                    yield adds_up(own, [again])


def _observed(counts: Counts, whole: str, trial: Trial) -> Iterator[Relation]:
    for outcome in trial.outcomes:
        for visit in trial.visits:
            own = counts.names(OBSERVED, outcome=outcome, visit=visit.code)
            yield adds_up(whole, own)
            for name in own if outcome == trial.primary.outcome else ():
                stage = "observed" if counts.rows[name].statistic == "count" else "lost"
                yield adds_up(name, _stage(counts, stage, visit.code))


def _patterns(counts: Counts, whole: str, trial: Trial) -> Iterator[Relation]:
    """Yield that each pattern is of one class, and seen or missing at each visit, whether patterns are shown or not."""
    rows, every = counts.names(PATTERNS), list(counts.patterns)
    if rows:
        yield adds_up(whole, rows)
    if not every:
        return
    yield adds_up(whole, every)
    for row in rows:
        yield adds_up(row, [name for name in every if is_of(name, counts.rows[row].at, trial)])
    yield from _patterns_by_visit(counts, every, trial)
    for kind in (CLASSES[0], CLASSES[-1]):  # complete cases; those who left
        own = [name for name in every if class_of(_pattern(name), trial) == kind]
        for again in [*_stage(counts, LEFT), *counts.names(POPULATIONS)]:
            yield adds_up(again, own)
            yield adds_up(again, [name for name in every if name not in own])


def _pattern(name: str) -> str:
    return name.partition("/")[2]


def _patterns_by_visit(counts: Counts, every: list[str], trial: Trial) -> Iterator[Relation]:
    for place, visit in enumerate(trial.visits):
        seen = [name for name in every if _pattern(name)[place] == SEEN]
        for statistic, parts in (("count", seen), ("missing", [name for name in every if name not in seen])):
            place_of = {"outcome": trial.primary.outcome, "visit": visit.code, "statistic": statistic}
            for at_visit in counts.names(OBSERVED, **place_of):
                yield adds_up(at_visit, parts)


def _harms(counts: Counts) -> Iterator[Relation]:
    people, events = (
        {counts.rows[n].outcome: n for n in counts.names(HARMS, statistic=s)} for s in ("count", "total")
    )
    if ANY not in people:
        return
    kinds = [kind for kind in people if kind.startswith(OF_KIND)]
    if kinds:
        yield adds_up(events[ANY], [events[kind] for kind in kinds])
        yield at_most(people[ANY], [people[kind] for kind in kinds])
    for kind, own in people.items():
        yield at_most(own, [events[kind]])
        if kind != ANY:
            yield at_most(own, [people[ANY]])
            yield at_most(events[kind], [events[ANY]])
            # Each other person who had an event had at least one other event.
            yield Relation({people[ANY]: 1, own: -1, events[ANY]: -1, events[kind]: 1}, is_sum=False)


def _records(counts: Counts, trial: Trial) -> Iterator[Relation]:
    for form in dict.fromkeys(name.split("/")[1] for name in counts.records):
        rows_in, accepted, aside = (
            f"records/{form}/{column}" for column in ("rows_in", "accepted", "quarantined")
        )
        if rows_in in counts.records:
            yield adds_up(rows_in, [accepted, aside])
    events = [f"records/{form.name}/accepted" for form in trial.forms_of("adverse_events")]
    told = [name for name in events if name in counts.records]
    for total in counts.names(HARMS, outcome=ANY, statistic="total") if told else ():
        yield at_most(total, told)
        yield adds_up(total, told)


def _observed_of_records(counts: Counts, trial: Trial) -> Iterator[Relation]:
    """Yield that no more can be observed than records of the form were accepted."""
    for outcome in trial.outcomes.values():
        own = counts.names(OBSERVED, outcome=outcome.name, statistic="count")
        yield from _no_more_than_accepted(counts, own, outcome.form)
    described = counts.names(BASELINE, statistic="count")
    for form in trial.forms_of("participants"):
        for variable in form.columns:
            own = [n for n in described if variable_and_level(counts.rows[n].outcome)[0] == variable]
            yield from _no_more_than_accepted(counts, own, form.name)


def _no_more_than_accepted(counts: Counts, own: list[str], form: str) -> Iterator[Relation]:
    if own and (accepted := f"records/{form}/accepted") in counts.records:
        yield Relation({**dict.fromkeys(own, 1), accepted: -1}, is_sum=False)
