"""All rules of a trial, made from its file, a file per subject. Not here: judging them (judge).

To add a subject, write its file and name its function in `SUBJECTS`. To add a rule to one trial, write it into
its file as `[checks.NAME]` (data_contracts.check); what such a comparison can't say goes into `by_trial`.
"""

from collections.abc import Callable, Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.allocation import allocation_rules
from data_contracts.suites.attendance import attendance_rules
from data_contracts.suites.by_trial import rules_by_trial
from data_contracts.suites.codes_and_ranges import code_and_range_rules
from data_contracts.suites.columns import column_rules
from data_contracts.suites.dates import date_rules
from data_contracts.suites.eligibility import eligibility_rules
from data_contracts.suites.keys import key_rules
from data_contracts.suites.patterns import pattern_rules
from data_contracts.suites.randomisation import randomisation_rules
from data_contracts.suites.references import reference_rules
from data_contracts.suites.required import required_rules
from data_contracts.suites.sessions import session_rules
from data_contracts.suites.sites import site_rules
from data_contracts.suites.text import text_rules
from data_contracts.suites.totals import total_rules
from data_contracts.suites.types import type_rules
from data_contracts.suites.visits import visit_rules
from data_contracts.suites.written import written_rules

Subject = Callable[[Form, Trial], Iterator[Rule]]
SUBJECTS: tuple[Subject, ...] = (
    column_rules,
    key_rules,
    type_rules,
    required_rules,
    reference_rules,
    allocation_rules,
    randomisation_rules,
    eligibility_rules,
    site_rules,
    visit_rules,
    attendance_rules,
    date_rules,
    code_and_range_rules,
    total_rules,
    session_rules,
    text_rules,
    pattern_rules,
    written_rules,
    rules_by_trial,
)


def rules_of(trial: Trial) -> tuple[Rule, ...]:
    """Return every rule of a trial: form by form in the file's order, subject by subject."""
    return tuple(
        rule for form in trial.forms.values() for subject in SUBJECTS for rule in subject(form, trial)
    )
