"""What the open report may be made from: rows over both arms, of forms and rules that tell no arm.

Everything is named that may pass; what is not named stays out. Not here: small counts (hidden), tables (open_tables).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.estimators.baseline import BASELINE, OBSERVED, variable_and_level
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.estimators.distribution import DISTRIBUTION
from analysis.estimators.harms import HARMS
from analysis.estimators.missing_data import MISSING, PATTERNS
from analysis.estimators.populations import POPULATIONS
from analysis.estimators.recruitment import BY_SITE as RECRUITED_BY_SITE
from analysis.estimators.recruitment import RECRUITMENT
from analysis.reporting.audiences.hidden import OF_VALUES, without_small_cells
from analysis.reporting.content import ReportContent
from analysis.reporting.tables.provenance import NOT_SHOWN
from data_contracts.blinded_verdict import reveals
from data_contracts.blinding import THERAPIST, revealing_columns, revealing_forms
from data_contracts.plan import Outcome
from data_contracts.spec import Form, Trial

POOLED: Mapping[str, tuple[str, ...]] = {  # analysis -> statistics that may pass
    DISPOSITION: ("count",),
    BY_SITE: ("count",),
    POPULATIONS: ("count",),
    RECRUITMENT: ("count",),
    RECRUITED_BY_SITE: ("count",),
    BASELINE: ("count", "missing", "percent", *OF_VALUES),
    OBSERVED: ("count", "missing", *OF_VALUES),
    DISTRIBUTION: ("count",),
    MISSING: ("percent",),
    PATTERNS: ("count", "percent"),
    HARMS: ("count", "total", "percent"),
}
STAGES = ("randomised", "excluded", "observed", "lost", "not analysed", "analysed")
TELLING = "adequate_dose"  # the requirement of a population that is judged on sessions
FINDINGS = ("rule", "form", "dimension", "severity", "effect", "message", "passed", "n_failed", "n_checked")
PROVENANCE = (
    "time", "run_id", "triggered_by", "plan_hash", "data_hash", "code_version", "python", "platform", "seed", "lock",
    "packages",
)  # fmt: skip
NOT_TOLD = ("allocation", "results_rows", "results_sha256")
OF_FILE = ("form", "file", "name")  # a size tells how many records there are
OF_OPEN_FILE = (*OF_FILE, "sha256", "modified")
LEFT_OUT = {"size": NOT_SHOWN, "sha256": NOT_SHOWN, "modified": NOT_SHOWN}
OF_PRESENCE = ("completeness", "type")  # rules whose broken ones count the missing


def open_content(content: ReportContent) -> ReportContent:
    """Return the content of the open report: the same for every allocation, without small counts."""
    trial = content.trial
    counts = _form_counts(content.counts, trial)
    pooled, records = pooled_rows(content.results, trial), _records(counts, trial)
    results, hidden = without_small_cells(pooled, records, trial)
    is_all_told = trial.report.small_cells <= 1
    return replace(
        content,
        results=results.assign(allocation="", trial=trial.name),
        counts=counts if is_all_told else _with_signs(counts, hidden),
        findings=_findings(content.findings, hidden, trial),
        queries=content.queries.iloc[0:0],
        provenance=_provenance(content.provenance, trial),
        notes=tuple(_notes(content.notes, trial)) if is_all_told else (),
        audience="open",
    )


def pooled_rows(results: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return the descriptive rows over all arms that depend neither on the arm nor on what tells it."""
    allowed = results["role"].eq("descriptive") & results["arm"].eq("") & results["contrast"].eq("")
    chosen = results[allowed & results["analysis"].isin(list(POOLED))]
    may = [_may_pass(row, trial) for row in chosen.itertuples(index=False)]
    return chosen[pd.Series(may, index=chosen.index, dtype=bool)].reset_index(drop=True)


def _may_pass(row: Any, trial: Trial) -> bool:
    if row.statistic not in POOLED[row.analysis]:
        return False
    if row.population and row.population not in _open_populations(trial):
        return False
    if row.analysis in {DISPOSITION, BY_SITE, POPULATIONS}:
        return row.outcome in (
            _open_populations(trial) if row.analysis == POPULATIONS else _open_stages(trial)
        )
    if row.analysis == BASELINE:
        return _is_open_variable(variable_and_level(row.outcome)[0], trial)
    if row.analysis in {OBSERVED, DISTRIBUTION, MISSING, PATTERNS}:
        return row.outcome in trial.outcomes and _is_open_outcome(trial.outcomes[row.outcome], trial)
    return row.analysis != HARMS or _harms_are_open(trial)


def _open_stages(trial: Trial) -> tuple[str, ...]:
    """Return the stages of the flow that may pass: all but those of therapy, as far as the population is open."""
    return STAGES if trial.primary.population in _open_populations(trial) else STAGES[:1]


def _open_populations(trial: Trial) -> set[str]:
    return {name for name, population in trial.populations.items() if TELLING not in population.requires}


def _is_open_variable(variable: str, trial: Trial) -> bool:
    """Return whether a characteristic may pass; sites are left to recruitment, which counts everybody."""
    outcome = trial.outcomes.get(variable.removesuffix("_baseline"))
    if outcome is not None and variable.endswith("_baseline"):
        return _is_open_outcome(outcome, trial)
    forms = [
        f for f in (*trial.forms_of("participants"), *trial.forms_of("allocation")) if variable in f.columns
    ]
    telling = {column for columns in revealing_columns(trial).values() for column in columns}
    declared = bool(forms) and not any(_tells(trial, form.name, variable) for form in forms)
    return declared and variable not in {*telling, THERAPIST, "arm", "site"}


def _is_open_outcome(outcome: Outcome, trial: Trial) -> bool:
    """Return whether an outcome is read at visits, from a form that tells no arm."""
    source = trial.outcomes[outcome.of] if outcome.of else outcome
    return bool(source.form) and not _tells(trial, source.form, source.column)


def _tells(trial: Trial, form: str, column: str) -> bool:
    return form in revealing_forms(trial) or f"{form}.{column}" in trial.blinding.reveals


def _harms_are_open(trial: Trial) -> bool:
    forms = trial.forms_of("adverse_events")
    columns = ("category", "serious", "related")
    return not any(_tells(trial, form.name, column) for form in forms for column in columns)


def _open_forms(trial: Trial) -> list[Form]:
    """Return the forms whose records tell no arm, and of which no rule that tells one sets any aside."""
    from data_contracts.suites import rules_of

    telling = {rule.form for rule in rules_of(trial) if reveals(rule, trial) and rule.effect == "quarantine"}
    return [f for f in trial.forms.values() if f.name not in telling | revealing_forms(trial)]


def _form_counts(counts: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    kept = counts[counts["form"].isin([form.name for form in _open_forms(trial)])]
    return kept[["form", "rows_in", "accepted", "quarantined"]].reset_index(drop=True)


def _records(counts: pd.DataFrame, trial: Trial) -> dict[str, int]:
    """Return the numbers of records that tell something of people, by `records/<form>/<column>`.

    All where a record is a person or an event; of visits how many were accepted, since no more can be observed.
    """
    visits = {form.name for form in trial.forms_of("visits")}
    return {
        f"records/{form}/{column}": int(n)
        for form, row in counts.set_index("form").iterrows()
        for column, n in row.items()
        if form not in visits or column == "accepted"
    }


def _with_signs(counts: pd.DataFrame, hidden: Mapping[str, str]) -> pd.DataFrame:
    """Return the numbers of records, signs in place of hidden ones, and of what would tell how many were accepted."""
    shown = {str(form): row.astype("object") for form, row in counts.set_index("form").iterrows()}
    for form, row in shown.items():
        signs = {
            column: hidden[name] for column in row.index if (name := f"records/{form}/{column}") in hidden
        }
        alone = {"rows_in": signs["accepted"]} if set(signs) == {"accepted"} else {}
        row.update(pd.Series({**alone, **signs}, dtype="object"))
    return pd.DataFrame([{"form": form, **row} for form, row in shown.items()], columns=counts.columns)


def _findings(findings: pd.DataFrame, hidden: Mapping[str, str], trial: Trial) -> pd.DataFrame:
    """Return what was found by rules that tell no arm.

    Where small counts are hidden, of visits alone, and never of how many records: elsewhere a broken rule tells that
    some are missing, and a column's records checked tell how many.
    """
    from data_contracts.suites import rules_of

    may = {rule.id for rule in rules_of(trial) if not reveals(rule, trial)}
    columns = [name for name in FINDINGS if name in findings]
    found = findings.loc[findings["rule"].isin(may), columns].reset_index(drop=True)
    if trial.report.small_cells <= 1:
        return found
    visits = [form.name for form in trial.forms_of("visits")]
    found = found[found["form"].isin(visits)].reset_index(drop=True)
    told = ~found["form"].isin([name.split("/")[1] for name in hidden])
    hides = found["n_failed"].gt(0) & (~told | found["dimension"].isin(OF_PRESENCE))
    return found.assign(n_failed=found["n_failed"].astype("float64").mask(hides), n_checked=float("nan"))


def _notes(notes: tuple[str, ...], trial: Trial) -> Iterator[str]:
    """Yield what was left aside of the visit forms; other notes rest on dates of therapy too, or on few events."""
    labels = [form.label for form in trial.forms_of("visits") if form.name not in revealing_forms(trial)]
    yield from (note for note in notes if any(note.startswith(f"{label}: ") for label in labels))


def _provenance(provenance: Mapping[str, Any], trial: Trial) -> Mapping[str, Any]:
    """Return the run's facts; of the files that tell the arms only their names."""
    open_files = {form.name for form in _open_forms(trial)}
    files = [
        {**LEFT_OUT, **_named(source, OF_OPEN_FILE if source["form"] in open_files else OF_FILE)}
        for source in provenance.get("sources", ())
    ]
    return {**dict.fromkeys(NOT_TOLD, NOT_SHOWN), **_named(provenance, PROVENANCE), "sources": files}


def _named(facts: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}
