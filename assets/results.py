"""Hop 5: the results table, a row per statistic, with its provenance. Not here: estimating (analysis)."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.carried import allocation_of, carried
from assets.declared import STATISTICS, key, of_hop, schema_of
from assets.failure import told_to_dagster
from assets.source_version import ESTIMATING
from data_contracts.errors import Problem, StorageError
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

    from analysis.derive.course import Course

ESTIMATED = "primary_comparison_was_estimated"
AGREE = "results_agree"
COMPARISONS = ("adjusted mean difference", "treatment effect")
USABLE = ("ok", "boundary")
HEADLINE = {  # name in a run's summary -> column
    "estimand": "estimand",
    "outcome": "outcome",
    "visit": "visit",
    "contrast": "contrast",
    "estimate": "value",
    "se": "se",
    "df": "df",
    "lower": "lower",
    "upper": "upper",
    "p_value": "p_value",
}


def results(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that runs a trial's whole analysis plan."""
    description = "The primary analysis gives an estimate with limits."
    asset = key(trial, "results")
    checks = [
        dg.AssetCheckSpec(ESTIMATED, asset=asset, description=description),
        dg.AssetCheckSpec(
            AGREE, asset=asset, description="Each estimate, computed a second way, is the same."
        ),
    ]

    @dg.asset(
        **of_hop(trial, "results", ESTIMATING, STATISTICS, ["statsmodels", "parquet"]),
        ins={"analysis_set": dg.AssetIn(key(trial, "analysis_set"))},
        check_specs=checks,
        description="Every statistic of the plan, and what it was made from: the only source of the report.",
    )
    def _results(analysis_set: Tables) -> Iterator[dg.MaterializeResult[Tables]]:
        from analysis.estimators.plan import run_analyses
        from analysis.reporting.figures.adjusted_means import adjusted_means_figure

        with told_to_dagster():
            table = run_analyses(analysis_set.frames["analysis_set"], trial, _course(analysis_set, trial))
            tables = with_provenance(table, trial, analysis_set.facts)
            primary = primary_rows(tables.frames["results"], trial)
            figure = next((p.png for p in adjusted_means_figure(tables.frames["results"], trial)), b"")
            shown_of = _shown(tables, primary, figure)
            made = dg.MaterializeResult(
                value=tables, metadata=shown_of, check_results=_checks(primary, table)
            )
        yield made

    return _results


def _course(analysis_set: Tables, trial: Trial) -> "Course":
    """Return how the trial went.

    Raises:
        StorageError: the analysis set was stored before this was kept.
    """
    from analysis.derive.course import Course

    try:
        return Course.of(analysis_set.frames)
    except KeyError as missing:
        where, remedy = f"{trial.name}/analysis_set", "Run the trial as a whole."
        problem = Problem(where, f"no table {missing}", "as this version of the program stores it", remedy)
        raise StorageError(f"The analysis set of {trial.name} is of an older version.", [problem]) from None


def with_provenance(table: "pd.DataFrame", trial: Trial, facts: Mapping[str, Any]) -> Tables:
    """Return the results with the trial, the seed and the hashes of plan, data and code in each row."""
    hashes = {name: facts[name] for name in ("data_hash", "plan_hash", "code_version")}
    hashes["allocation"] = allocation_of(facts)
    headline = headline_of(primary_rows(table, trial))
    whole = table.assign(trial=trial.name, seed=trial.seed, **hashes)
    said = {"primary": headline, "headlines": _sentences(whole, trial)}
    return Tables({"results": whole}, {**carried(facts), **hashes, **said})


def _sentences(results: "pd.DataFrame", trial: Trial) -> list[dict[str, str]]:
    """Return what the report opens with, so that a terminal can say it without reading a table."""
    from analysis.reporting.headline import headlines

    return [{"sentence": h.sentence, "detail": h.detail} for h in headlines(results, trial)]


def headline_of(primary: "pd.DataFrame") -> dict[str, Any]:
    """Return the first comparison as JSON values; a number that is not finite is None."""
    if primary.empty:
        return {}
    return {name: _plain(primary.iloc[0][column]) for name, column in HEADLINE.items()}


def _plain(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def primary_rows(results: "pd.DataFrame", trial: Trial) -> "pd.DataFrame":
    """Return the primary comparison: a row per contrast at the estimand's visit, or over all visits."""
    rows = results[(results["role"] == "primary") & results["statistic"].isin(COMPARISONS)]
    return rows[rows["visit"].isin([trial.primary.visit, ""])]


def _checks(primary: "pd.DataFrame", table: "pd.DataFrame") -> list[dg.AssetCheckResult]:
    return [_check(primary), _agreed(table)]


def _agreed(table: "pd.DataFrame") -> dg.AssetCheckResult:
    """Return whether every estimate that was computed a second way came out the same."""
    again = table[table["statistic"] == "second route"]
    apart = again[again["status"] == "failed"]
    return dg.AssetCheckResult(
        check_name=AGREE,
        passed=apart.empty,
        metadata={
            "compared": int((again["status"] != "not estimable").sum()),
            "apart": shown.table(apart[["analysis", "contrast", "visit", "at", "reason"]]),
        },
    )


def _check(primary: "pd.DataFrame") -> dg.AssetCheckResult:
    shown_columns = ["contrast", "status", "reason"]
    return dg.AssetCheckResult(
        check_name=ESTIMATED,
        passed=bool(len(primary) and primary["status"].isin(USABLE).all()),
        metadata={"comparison": shown.table(primary[shown_columns])},
    )


def _shown(tables: Tables, primary: "pd.DataFrame", figure: bytes) -> dict[str, Any]:
    table = tables.frames["results"]
    headline = ["contrast", "visit", "value", "se", "df", "lower", "upper", "p_value", "status"]
    comparisons = table[table["statistic"].isin(COMPARISONS)]
    return {
        "primary comparison": shown.table(primary[headline]),
        "adjusted means": shown.picture(figure, "Adjusted means by arm and visit"),
        "comparisons": shown.table(comparisons[["analysis", "outcome", *headline]]),
        "agreement": shown.table(_agreement(table)),
        "dagster/column_schema": dg.MetadataValue.table_schema(
            schema_of({c: str(t) for c, t in table.dtypes.items()})
        ),
        **shown.count(len(table)),
        **shown.hashes(tables.facts),
    }


def _agreement(results: "pd.DataFrame") -> "pd.DataFrame":
    """Return how far each cross-check lies from the primary estimate, in standard errors."""
    rows = results[(results["statistic"] == "agreement") & results["contrast"].ne("")]
    return rows[["analysis", "contrast", "visit", "value", "method"]]
