"""How many were randomised when and where, as rows of the results table. Not here: targets, which are declared."""

from collections.abc import Iterator

import pandas as pd

from analysis.derive.course import Course
from analysis.estimators.baseline import Descriptions
from analysis.results import Statistic
from data_contracts.spec import Trial

RECRUITMENT, BY_SITE = "recruitment", "recruitment by site"  # the names of these analyses
RANDOMISED = "randomised"


def describe_recruitment(course: Course) -> Descriptions:
    """Return the number randomised in each month (in `at`, such as "2024-03"), from the first to the last.

    Args:
        course: How the trial went.

    Returns:
        Counts, none where no date of randomisation is known; `n` is everybody randomised, dated or not.
    """
    by_month = course.recruited.groupby("month")["n"].sum()
    return {RANDOMISED: list(_months(by_month[by_month.index != ""], int(by_month.sum())))}


def describe_recruitment_by_site(course: Course, trial: Trial) -> Descriptions:
    """Return the number randomised at each site (in `at`), none of them left out, and the percent of its target.

    Args:
        course: How the trial went.
        trial: The trial.

    Returns:
        Counts, of which `n` is the whole; percentages of declared targets, that of all sites under no site.
    """
    if not trial.sites:
        return {RANDOMISED: []}
    targets = {site.code: site.target for site in trial.sites}
    by_site = course.recruited.groupby("site")["n"].sum()
    others = [str(site) for site in by_site.index if site not in targets]
    whole = {site: int(by_site.get(site, 0)) for site in (*targets, *others)}
    return {RANDOMISED: list(_sites(whole, targets))}


def _sites(randomised: dict[str, int], targets: dict[str, int | None]) -> Iterator[Statistic]:
    everybody = sum(randomised.values())
    for site, n in randomised.items():
        yield Statistic("count", float(n), at=site, n=everybody, unit="participants")
    planned = [target for target in targets.values() if target]
    total = sum(planned) if len(planned) == len(targets) else None
    reached = {site: (n, targets.get(site)) for site, n in randomised.items()} | {"": (everybody, total)}
    for site, (n, target) in reached.items():
        if target:
            yield Statistic("percent", 100 * n / target, at=site, n=everybody, unit="% of the target")


def _months(by_month: pd.Series, everybody: int) -> Iterator[Statistic]:
    if by_month.empty:
        return
    whole = pd.period_range(by_month.index.min(), by_month.index.max(), freq="M").strftime("%Y-%m")
    for month, n in by_month.reindex(whole, fill_value=0).items():
        yield Statistic("count", float(n), at=str(month), n=everybody, unit="participants")
