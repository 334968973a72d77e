"""What baseline characteristics are called. Not here: their numbers (tables)."""

from analysis.reporting.methods.words import opening
from data_contracts.spec import Trial


def characteristic_labels(trial: Trial) -> dict[str, str]:
    """Return the label of each declared column and of each outcome at baseline, by its name in the results table."""
    forms = (*trial.forms_of("participants"), *trial.forms_of("allocation"))
    columns = {
        c.name: c.label or opening(c.name.replace("_", " ")) for f in forms for c in f.columns.values()
    }
    return columns | {f"{o.name}_baseline": o.label for o in trial.outcomes.values()}
