"""Sites' traffic lights: who was seen, against the plan's targets. Not here: counting them (derive.retention).

Arms are pooled, always: what a blinded reader may see is the same as what any other may.
"""

from collections.abc import Iterator

from analysis.derive.retention import ALL, Followed
from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from analysis.reporting.validation.content import ValidationContent
from data_contracts.spec import Trial, Visit

AT_RISK = 0.05  # below the target by at most this
FEWEST = 5  # expected: of fewer, one participant is more than the width of a light
LIGHTS = (
    "On target: the share observed is at least the target. At risk: below it by at most "
    f"{100 * AT_RISK:.0f} percentage points. Below target: by more. "
    f"Of fewer than {FEWEST} expected, no light is shown."
)
Seen = dict[tuple[str, str], tuple[int, int]]  # (site, visit) -> expected, observed


def retention_table(content: ValidationContent) -> Table:
    """Return a row per site: at each visit, observed of expected, and the light."""
    followed, trial = content.followed, content.trial
    return Table(
        name="retention-table",
        caption="Retention by site, all arms together",
        columns=(Column("Site", "text"), *(_visit_column(visit) for visit in trial.follow_ups)),
        groups=one_group(_retention_rows(followed, trial)) if followed else (),
        notes=(*_how_counted(followed, trial), *_while_withheld(content)) if followed else (),
        empty="Not shown: this night's data do not tell who was randomised, or who was seen.",
    )


def recruitment_table(content: ValidationContent) -> Table:
    """Return a row per site: randomised, target, what is missing."""
    followed, trial = content.followed, content.trial
    return Table(
        name="recruitment-table",
        caption="Recruitment by site",
        columns=(Column("Site", "text"), Column("Randomised"), Column("Target"), Column("State", "short")),
        groups=one_group(_recruitment_rows(followed, trial)) if followed else (),
        notes=("The plan has no date by which a target is to be reached, so that nothing is late here.",)
        if any(site.target for site in trial.sites) and followed else (),
        empty="Not shown: this night's data do not tell who was randomised.",
    )  # fmt: skip


def light(expected: int, observed: int, target: float | None) -> tuple[str, str]:
    """Return a light and its word for a share observed; ("", "") where there is no target."""
    if target is None:
        return "", ""
    if expected < FEWEST:
        return "none", "too few to tell" if expected else "none due yet"
    short = target - observed / expected
    if short <= 1e-9:  # 0.9 of 10 is 9, whatever the last digit of a float
        return "good", "on target"
    return ("risk", "at risk") if short <= AT_RISK + 1e-9 else ("bad", "below target")


def _visit_column(visit: Visit) -> Column:
    target = f"target {visit.retention_target:.0%}" if visit.retention_target else "no target"
    return Column(visit.label, "short", detail=target)


def _retention_rows(followed: Followed, trial: Trial) -> Iterator[Row]:
    columns = (followed.seen[name].tolist() for name in ("site", "visit", "expected", "observed"))
    seen: Seen = {(site, visit): (n, m) for site, visit, n, m in zip(*columns, strict=True)}
    for code, label in _sites(followed, trial):
        cells = [_share(*seen.get((code, visit.code), (0, 0)), visit) for visit in trial.follow_ups]
        yield row(label, *cells, mark="primary" if code == ALL else "")


def _share(expected: int, observed: int, visit: Visit) -> Cell:
    colour, word = light(expected, observed, visit.retention_target)
    share = f"{observed} of {expected}" + (f" ({observed / expected:.0%})" if expected else "")
    return Cell(word, light=colour, detail=share) if word else Cell(share)  # type: ignore[arg-type]


def _sites(followed: Followed, trial: Trial) -> Iterator[tuple[str, str]]:
    """Yield all sites together, those of the plan, and codes that are none of them."""
    yield ALL, "All participants"
    planned = {site.code: site.label for site in trial.sites}
    yield from planned.items()
    yield from ((code, code) for code in followed.recruited["site"] if code and code not in planned)


def _recruitment_rows(followed: Followed, trial: Trial) -> Iterator[Row]:
    randomised = dict(zip(followed.recruited["site"], followed.recruited["randomised"], strict=True))
    targets = {site.code: site.target for site in trial.sites}
    if targets and all(targets.values()):
        targets[ALL] = sum(target or 0 for target in targets.values())
    for code, label in _sites(followed, trial):
        n, target = int(randomised.get(code, 0)), targets.get(code)
        state = _reached(n, target) if target else Cell(numbers.ABSENT)
        shown = numbers.ABSENT if target is None else numbers.number(target, 0)
        yield row(label, numbers.number(n, 0), shown, state, mark="primary" if code == ALL else "")


def _reached(n: int, target: int) -> Cell:
    return Cell("reached", light="good") if n >= target else Cell(f"{target - n:,} to go", light="none")


def _how_counted(followed: Followed, trial: Trial) -> Iterator[str]:
    if any(visit.retention_target for visit in trial.follow_ups):
        yield LIGHTS
    else:
        yield "The plan sets no targets of retention, so there are no lights."
    due = (
        "once its window has closed, or earlier when there is a record of it"
        if followed.is_dated
        else "from the start, as the plan has no dates of randomisation"
    )
    yield (
        f"A visit is expected of everyone who was randomised, {due}. It is observed when an accepted record of "
        f"“{trial.forms[followed.form].label}” belongs to it: a record set aside counts once it is mended."
    )


def _while_withheld(content: ValidationContent) -> Iterator[str]:
    if content.withheld:
        yield "The data are withheld: these counts are of the records that passed, and may change."
