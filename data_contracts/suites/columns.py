"""The file has the columns and rows the plan declares. Not here: what stands in them."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must, called, columns_in


def column_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield a rule per declared column, one on undeclared columns and one on an empty file."""
    for column in columns_in(form, trial):
        yield Must(
            dimension="schema",
            check="present",
            columns=(column.name,),
            severity="critical",
            effect="withhold",
            sentence=f"The file must have the column {called(column)}.",
            remedy="Ask for a complete export, or correct `source` in the trial file.",
        ).on(form)
    yield Must(
        dimension="schema",
        check="no_others",
        columns=(),
        about="undeclared",
        severity="info",
        sentence="The file should have only the columns the trial file declares.",
        remedy="Declare the others if they matter; they are not read.",
    ).on(form)
    if not form.may_be_empty:
        yield Must(
            dimension="schema",
            check="has_rows",
            columns=(),
            about="rows",
            severity="critical",
            effect="withhold",
            sentence="The file must have at least one record.",
            remedy="Ask for the export again, or set `may_be_empty` in the trial file.",
        ).on(form)
