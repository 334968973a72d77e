"""Rules of one trial that its file can't write, in Python, by the trial's name. Not here: `[checks]` (written).

A subject takes a form and the trial and yields rules, like every file here. A rule of a new kind needs three
things: a `Must` that names its `check`; a helper column of that name (helper_columns), which has a value for
each record; and the expectation on it (expectations.BUILDERS). For example, that no participant has sessions
on more than two days of a week:

    def few_sessions_a_week(form: Form, trial: Trial) -> Iterator[Rule]:
        if form.kind == "sessions":
            yield Must(
                dimension="written",
                check="sessions_in_week",
                columns=("session_date",),
                severity="warning",
                sentence="A participant should have at most two sessions a week.",
                remedy="Check the dates.",
            ).on(form)

    BY_TRIAL = {"my_trial": (few_sessions_a_week,)}
"""

from collections.abc import Callable, Iterator, Mapping

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial

BY_TRIAL: Mapping[str, tuple[Callable[[Form, Trial], Iterator[Rule]], ...]] = {}


def rules_by_trial(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rules that this trial alone has."""
    for subject in BY_TRIAL.get(trial.name, ()):
        yield from subject(form, trial)
