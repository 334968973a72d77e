"""What was observed, by arm: baseline and outcomes, untested, unadjusted. Not here: comparisons, layout."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import pandas as pd

from analysis.results import Records, Statistic, result_records, results_table
from data_contracts.plan import Outcome
from data_contracts.spec import Trial

BASELINE, OBSERVED = "baseline", "observed"  # the names of these analyses in the results table
NOT_CHARACTERISTICS = {"participant", "arm", "excluded"}
DESCRIBED = {"category", "integer", "number"}  # types of column
Descriptions = Mapping[str, list[Statistic]]  # variable -> its rows; a level of a factor is `variable[level]`


def describe_baseline(analysis_set: pd.DataFrame, trial: Trial) -> Descriptions:
    """Return each baseline characteristic of the primary estimand's population, by arm and over all (no arm).

    Numbers: mean, SD, median, quartiles (linear interpolation), observed count, missing. Factors: count and
    percent of those observed for each level, and missing.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial: columns of type category, integer or number, sites, and outcomes at baseline.
    """
    people = population_rows(analysis_set, trial).drop_duplicates("participant")
    visit = trial.baseline_visit.code
    described: dict[str, list[Statistic]] = {}
    for name in _characteristics(people, trial):
        values = people[name]
        if pd.api.types.is_numeric_dtype(values):
            described[name] = list(_by_arm_and_all(people, name, _unit(name, trial), visit))
        else:
            described |= _factor(people, name, visit)
    return described


def describe_outcomes(analysis_set: pd.DataFrame, trial: Trial) -> Descriptions:
    """Return each continuous outcome as observed in the primary estimand's population, by visit, by arm and over all.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
    """
    rows = population_rows(analysis_set, trial)
    described: dict[str, list[Statistic]] = {}
    for outcome in continuous_outcomes(trial):
        described[outcome.name] = [
            statistic
            for visit in trial.visits
            for arm, part in arms_and_all(rows[rows["visit"] == visit.code], trial)
            for statistic in _number(part[outcome.name], visit.code, arm, outcome.unit)
        ]
    return described


def described_frame(descriptions: Descriptions, **shared: str | int) -> pd.DataFrame:
    """Return descriptions as the results table, the variable as `outcome`; `shared` as in `result_records`."""
    return results_table(described_records(descriptions, **shared))


def described_records(descriptions: Descriptions, **shared: str | int) -> Records:
    """Return descriptions as records of the results table; `shared` as in `result_records`."""
    named = ({**shared, "outcome": name} for name in descriptions)
    return [
        record
        for rows, common in zip(descriptions.values(), named, strict=True)
        for record in result_records(rows, **common)
    ]


def level_name(variable: str, level: object) -> str:
    """Return the name of one level of a factor, such as `sex[Female]`."""
    return f"{variable}[{level}]"


def variable_and_level(name: str) -> tuple[str, str]:
    """Return the variable and the level that a name stands for; the level of a number is empty."""
    variable, bracket, level = name.partition("[")
    return (variable, level.removesuffix("]")) if bracket else (name, "")


def population_rows(analysis_set: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return the rows of the primary estimand's population."""
    return analysis_set[analysis_set[f"in_{trial.primary.population}"]]


def _characteristics(people: pd.DataFrame, trial: Trial) -> Iterator[str]:
    """Yield the declared characteristics in the forms' order, the site, then the outcomes at baseline.

    Of the allocation form only what the plan names: a block or a list's number describes nobody.
    """
    baseline = [c for f in trial.forms_of("participants") for c in f.columns.values()]
    allocation = [
        c for f in trial.forms_of("allocation") for c in f.columns.values() if c.name in _named(trial)
    ]
    columns = [c for c in (*baseline, *allocation) if c.type in DESCRIBED and not c.free_text]
    outcomes = [f"{outcome.name}_baseline" for outcome in continuous_outcomes(trial)]
    site = ["site"] if trial.sites else []
    for name in dict.fromkeys([*(c.name for c in columns), *site, *outcomes]):
        if name in people and name not in NOT_CHARACTERISTICS:
            yield name


def continuous_outcomes(trial: Trial) -> list[Outcome]:
    """Return the outcomes whose mean says something; the others are described where they are compared."""
    return [outcome for outcome in trial.outcomes.values() if outcome.kind == "continuous"]


def _named(trial: Trial) -> set[str]:
    """Return the columns that the plan names as stratum, covariate or moderator."""
    covariates = {name for analysis in trial.analyses.values() for name in analysis.covariates}
    return {*trial.strata, *covariates, *(m.column for m in trial.moderators.values())}


def _unit(name: str, trial: Trial) -> str:
    outcome = trial.outcomes.get(name.removesuffix("_baseline"))
    if outcome is not None:
        return outcome.unit
    forms = (*trial.forms_of("participants"), *trial.forms_of("allocation"))
    return next((f.columns[name].unit for f in forms if name in f.columns), "")


def arms_and_all(rows: pd.DataFrame, trial: Trial) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each arm, the reference arm first, then all rows under no arm."""
    for arm in trial.ordered_arms:
        yield arm.code, rows[rows["arm"] == arm.code]
    yield "", rows


def _by_arm_and_all(people: pd.DataFrame, name: str, unit: str, visit: str) -> Iterator[Statistic]:
    for arm, part in _arms_seen_and_all(people):
        yield from _number(part[name], visit, arm, unit)


def _arms_seen_and_all(people: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    arms = people["arm"]
    codes = (
        arms.cat.categories if isinstance(arms.dtype, pd.CategoricalDtype) else sorted(arms.dropna().unique())
    )
    return [*((str(code), people[arms == code]) for code in codes), ("", people)]


def _number(values: pd.Series, visit: str, arm: str, unit: str) -> Iterator[Statistic]:
    seen = values.dropna().astype("float64")
    found: dict[str, float] = {
        "count": len(seen),
        "missing": len(values) - len(seen),
        "observed mean": float(seen.mean()),
        "observed sd": float(seen.std()),
        "median": float(seen.median()),
        "lower quartile": float(seen.quantile(0.25)),
        "upper quartile": float(seen.quantile(0.75)),
    }
    for statistic, value in found.items():
        shown_in = "participants" if statistic in {"count", "missing"} else unit
        yield Statistic(statistic, value, visit=visit, arm=arm, unit=shown_in, n=len(seen), method="observed")


def _factor(people: pd.DataFrame, name: str, visit: str) -> dict[str, list[Statistic]]:
    """Return the rows of each level, and of the factor itself for those missing."""
    levels = _levels(people[name])
    described: dict[str, list[Statistic]] = {level_name(name, level): [] for level in levels}
    described[name] = []
    for arm, part in _arms_seen_and_all(people):
        seen = part[name].dropna()
        row = partial(Statistic, visit=visit, arm=arm, n=len(seen), method="observed")
        for level in levels:
            n = int((seen == level).sum())
            share = 100 * n / len(seen) if len(seen) else float("nan")
            described[level_name(name, level)] += [
                row("count", n, unit="participants"),
                row("percent", share, unit="%"),
            ]
        described[name].append(row("missing", len(part) - len(seen), unit="participants"))
    return described


def _levels(values: pd.Series) -> list[object]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    return sorted(values.dropna().unique(), key=str)
