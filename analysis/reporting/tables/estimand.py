"""The estimand card: the five attributes of ICH E9(R1). Not here: its estimate."""

from analysis.reporting.estimates import visit_label
from analysis.reporting.table import Cell, Column, Table, one_group, row
from data_contracts.plan import Estimand
from data_contracts.spec import Trial


def estimand_table(estimand: Estimand, trial: Trial) -> Table:
    """Return a row per attribute."""
    outcome, is_primary = trial.outcomes[estimand.outcome], estimand.name == trial.primary_estimand
    unit = f"{outcome.unit}; " if outcome.unit else ""
    events = [(f"{e.event[:1].upper()}{e.event[1:]}", e.strategy) for e in estimand.intercurrent_events]
    attributes = [
        ("Treatment", estimand.treatment),
        ("Population", trial.populations[estimand.population].label),
        (
            "Variable",
            f"{outcome.label} at {visit_label(estimand.visit, trial)} ({unit}{outcome.better} is better)",
        ),
        *(("Intercurrent event", f"{event}: {strategy}") for event, strategy in events),
        ("Summary", estimand.summary),
    ]
    return Table(
        name="estimand-table" if is_primary else f"estimand-{estimand.name}",
        caption=f"{'Primary estimand' if is_primary else 'Estimand'}: {estimand.label}",
        columns=(Column("Attribute", "short"), Column("As planned", "text")),
        groups=one_group(row(name, Cell(text)) for name, text in attributes),
        notes=(f"Plan clause: {estimand.clause}. Answered by: {_answers(estimand, trial)}.",),
    )


def _answers(estimand: Estimand, trial: Trial) -> str:
    """Return the analyses that answer an estimand, in the trial file's order."""
    own = [a for a in trial.analyses.values() if a.estimand == estimand.name]
    return "; ".join(f"{a.label} ({a.clause})" if a.clause else a.label for a in own) or "no analysis"
