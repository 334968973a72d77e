"""All rules of a trial, made from its file, a file per subject. Not here: judging them (judge).

To add a subject, write its file and name its function in `SUBJECTS`.
"""

from collections.abc import Callable, Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.allocation import allocation_rules
from data_contracts.suites.codes_and_ranges import code_and_range_rules
from data_contracts.suites.columns import column_rules
from data_contracts.suites.dates import date_rules
from data_contracts.suites.keys import key_rules
from data_contracts.suites.references import reference_rules
from data_contracts.suites.required import required_rules
from data_contracts.suites.sessions import session_rules
from data_contracts.suites.sites import site_rules
from data_contracts.suites.text import text_rules
from data_contracts.suites.totals import total_rules
from data_contracts.suites.types import type_rules
from data_contracts.suites.visits import visit_rules

Subject = Callable[[Form, Trial], Iterator[Rule]]
SUBJECTS: tuple[Subject, ...] = (
    column_rules,
    key_rules,
    type_rules,
    required_rules,
    reference_rules,
    allocation_rules,
    site_rules,
    visit_rules,
    date_rules,
    code_and_range_rules,
    total_rules,
    session_rules,
    text_rules,
)


def rules_of(trial: Trial) -> tuple[Rule, ...]:
    """Return every rule of a trial: form by form in the file's order, subject by subject."""
    return tuple(
        rule for form in trial.forms.values() for subject in SUBJECTS for rule in subject(form, trial)
    )
