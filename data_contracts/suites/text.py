"""Free text does not tell the arm. Not here: personal details in free text."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must, called, columns_in


def text_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per free-text column, where the plan lists words that unblind."""
    for column in columns_in(form, trial):
        if column.free_text and trial.unblinding_words:
            yield Must(
                dimension="text",
                check="no_words",
                columns=(column.name,),
                severity="warning",
                sentence=f"{called(column)} should not hold a word that tells the arm.",
                remedy="Have the text reworded at source, and log the unblinding if an assessor saw it.",
                arguments={"words": trial.unblinding_words},
                reveals_allocation=True,
            ).on(form)
