"""Who the participants were, by arm; nothing is tested. Not here: computing it (estimators.baseline)."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.baseline import BASELINE, variable_and_level
from analysis.reporting.cells import count_cell, mean_cell, median_cell, share_cell
from analysis.reporting.estimates import Estimate, estimates
from analysis.reporting.methods.words import inside, opening
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.spec import Trial

Found = dict[tuple[str, str, str], Estimate]  # (variable, arm, statistic); the arm is empty for all


def baseline_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a block of rows per characteristic: mean (SD) and median (IQR), or n (%) per level; missing."""
    found = {(e.outcome, e.arm, e.statistic): e for e in estimates(results, analysis=BASELINE)}
    arms = trial.ordered_arms
    names = dict.fromkeys(variable for variable, _, _ in found)
    variables = dict.fromkeys(variable_and_level(name)[0] for name in names)
    columns = [Column(arm.label, detail=_size(found, arm.code)) for arm in arms]
    population = trial.populations[trial.primary.population].label
    return Table(
        name="baseline-table",
        caption=f"Baseline characteristics by arm: {inside(population)}",
        columns=(Column("Characteristic", "text"), *columns, Column("All", detail=_size(found, ""))),
        groups=one_group(r for v in variables for r in _block(found, names, v, trial)),
        notes=("The arms are not tested against each other: randomisation leaves any difference to chance.",)
        if variables
        else (),
        empty="The results table holds no baseline description.",
    )


def _block(found: Found, names: dict[str, None], variable: str, trial: Trial) -> Iterator[Row]:
    levels = [n for n in names if n != variable and variable_and_level(n)[0] == variable]
    codes = trial.arms_and_all
    label, unit = _label(variable, trial), _unit(found, variable)
    yield row(Cell(label, detail=unit), *(Cell("") for _ in codes))
    if levels:
        for level in levels:
            yield row(_level_label(level, trial), *(_share(found, level, c) for c in codes), mark="indented")
    else:
        yield row("Mean (SD)", *(_mean_sd(found, variable, c) for c in codes), mark="indented")
        yield row("Median (IQR)", *(_median_iqr(found, variable, c) for c in codes), mark="indented")
    missing = [found.get((variable, code, "missing")) for code in codes]
    if any(m is not None and m.value > 0 for m in missing):
        yield row("Missing", *(count_cell(m) for m in missing), mark="quiet")


def _size(found: Found, arm: str) -> str:
    """Return "n = 76": those observed and those missing of any characteristic are everybody."""
    for (_variable, code, statistic), missing in found.items():
        if code == arm and statistic == "missing" and missing.n is not None:
            return f"n = {missing.n + int(missing.value)}"
    return ""


def _share(found: Found, level: str, arm: str) -> Cell:
    return share_cell(found.get((level, arm, "count")), found.get((level, arm, "percent")))


def _mean_sd(found: Found, variable: str, arm: str) -> Cell:
    return mean_cell(found.get((variable, arm, "observed mean")), found.get((variable, arm, "observed sd")))


def _median_iqr(found: Found, variable: str, arm: str) -> Cell:
    names = ("median", "lower quartile", "upper quartile", "observed sd")
    return median_cell(*(found.get((variable, arm, name)) for name in names))


def _label(variable: str, trial: Trial) -> str:
    outcome = trial.outcomes.get(variable.removesuffix("_baseline"))
    if outcome is not None and variable.endswith("_baseline"):
        return outcome.label
    forms = (*trial.forms_of("participants"), *trial.forms_of("allocation"))
    declared = next((f.columns[variable].label for f in forms if variable in f.columns), "")
    return declared or opening(variable.replace("_", " "))


def _unit(found: Found, variable: str) -> str:
    mean = found.get((variable, "", "observed mean"))
    return mean.unit if mean else "n (%)"


def _level_label(name: str, trial: Trial) -> str:
    variable, level = variable_and_level(name)
    sites = {site.code: site.label for site in trial.sites}
    return sites.get(level, level) if variable == "site" else level
