"""A site is one of the plan's. Not here: recruitment targets."""

from collections.abc import Iterator

from data_contracts.rules import Rule
from data_contracts.spec import Form, Trial
from data_contracts.suites.must import Must


def site_rules(form: Form, trial: Trial) -> Iterator[Rule]:
    """Yield the rule that a form's `site` is in the plan, where the plan has sites."""
    if trial.sites and "site" in form.columns:
        codes = tuple(site.code for site in trial.sites)
        yield Must(
            dimension="code",
            check="in_set",
            columns=("site",),
            severity="critical",
            sentence=f"The site must be in the plan: {', '.join(codes)}, or a code that stands for one.",
            remedy="Correct the site, or add its code to the trial file.",
            arguments={"values": codes},
        ).on(form)
