"""A record stands once. Not here: a participant randomised twice (allocation)."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must


def key_rules(form: Form, trial: Trial) -> Iterator[Rule]:  # noqa: ARG001  (all subjects have one signature)
    """Yield the rule that no two records share the form's key.

    All records of a repeated key are set aside: which of them is right can't be known here.
    """
    if form.key and not (form.kind == "allocation" and form.key == ("participant",)):
        key = " and ".join(form.key)
        yield Must(
            dimension="key",
            check="unique",
            columns=form.key,
            severity="critical",
            sentence=f"Each {key} must have one record.",
            remedy="Find out which record is right and delete the others at source; all are set aside.",
        ).on(form)
