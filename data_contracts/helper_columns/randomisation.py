"""Of the randomisation list: its numbers, its dates, its blocks and its balance. Not here: a participant's arm.

A stratum is a combination of the trial's strata; without strata the whole list is one. A record whose stratum
or number is missing is left out: that is a finding of its own. What is wrong with a block is found on its first
record, what is wrong with a stratum on its last: one query each.
"""

from collections.abc import Mapping

import pandas as pd

from data_contracts.evidence import Evidence, by_participant, days
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule

STRATUM, PLACE = "stratum", "place"


def stratum_of(form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return the number of each record's stratum; missing where one of its columns is."""
    columns = {name: _known(name, form, evidence) for name in evidence.trial.strata}
    if not columns:
        return pd.Series(0.0, index=form.values.index)
    found = pd.DataFrame(columns, index=form.values.index)
    return found.groupby(list(columns)).ngroup().astype("float64").where(found.notna().all(axis=1))


def _known(name: str, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return a stratum's column: the list's own, else the participant's."""
    if evidence.has(form.name, name):
        return form.values[name]
    (registered,) = evidence.trial.forms_of("participants")
    if not evidence.has(registered.name, "participant", name):
        return pd.Series(pd.NA, index=form.values.index, dtype="str")
    people = evidence.values(registered.name).drop_duplicates("participant").dropna(subset=["participant"])
    return by_participant(form, people.set_index("participant")[name])


def _listed(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.DataFrame:
    """Return stratum and number of each record that has both: of the list, or of its blocks."""
    number = form.values[rule.columns[0]].astype("float64")
    return pd.DataFrame({STRATUM: stratum_of(form, evidence), PLACE: number}).dropna()


def _steps(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return the step from the number before in the stratum to this one; the first counts from 0.

    Of a block, its first record has it: the others share the number rightly.
    """
    listed = _listed(rule, form, evidence)
    if rule.arguments["shared"]:
        listed = listed.drop_duplicates()
    ordered = listed.sort_values([STRATUM, PLACE], kind="stable")
    before = ordered.groupby(STRATUM)[PLACE].shift(fill_value=0.0)
    return (ordered[PLACE] - before).reindex(form.values.index)


def _days_after_earlier(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days from the latest entry with a smaller number in the stratum to this one."""
    dates = form.values[rule.columns[1]]
    listed = _listed(rule, form, evidence).assign(date=dates).dropna()
    latest = listed.groupby([STRATUM, PLACE])["date"].max().sort_index()
    before = latest.groupby(level=STRATUM).cummax().groupby(level=STRATUM).shift()
    here = pd.MultiIndex.from_frame(listed[[STRATUM, PLACE]])
    return days(before.reindex(here).set_axis(listed.index).reindex(dates.index), dates)


def _records_amiss(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return by how many records a block differs from the nearest size it may have.

    The last block of a stratum may be unfinished: it is only too large if it exceeds every size.
    """
    sizes = sorted(rule.arguments["sizes"])
    listed = _listed(rule, form, evidence)
    held = _blocks(listed)
    off = pd.concat([(held["n"] - size).abs() for size in sizes], axis=1).min(axis=1)
    off = off.where(~held["last"], (held["n"] - sizes[-1]).clip(lower=0))
    return _on_first(off, listed).reindex(form.values.index)


def _ratio_amiss(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return by how many records the arms of a finished block differ from the ratio, at most."""
    listed, shares = _listed(rule, form, evidence), rule.arguments["shares"]
    held = _blocks(listed)
    arms = form.values["arm"].reindex(listed.index)
    of_arm = pd.DataFrame(
        {arm: (arms == arm).fillna(value=False).astype("float64") for arm in shares}, index=listed.index
    )
    counts = of_arm.groupby([listed[STRATUM], listed[PLACE]]).sum()
    off = pd.concat([(counts[arm] - held["n"] * share).abs() for arm, share in shares.items()], axis=1).max(
        axis=1
    )
    finished = held["n"].isin(rule.arguments["sizes"]) & ~held["last"]
    return _on_first(off.where(finished), listed).reindex(form.values.index)


def _imbalance(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return by how many records a stratum's arms differ from the ratio, beyond what an unfinished block may."""
    stratum, shares = stratum_of(form, evidence).dropna(), rule.arguments["shares"]
    arms, most = form.values["arm"].reindex(stratum.index), rule.arguments["most"]
    n = stratum.groupby(stratum).size()
    beyond = []
    for arm, share in shares.items():
        held = (arms == arm).fillna(value=False).astype("float64").groupby(stratum).sum()
        beyond.append((held - n * share).abs() - most * share * (1 - share))
    worst = pd.concat(beyond, axis=1).max(axis=1).clip(lower=0).round(9)
    last = stratum[~stratum.duplicated(keep="last")]
    return last.map(worst).reindex(form.values.index)


def _blocks(listed: pd.DataFrame) -> pd.DataFrame:
    """Return of each block of each stratum how many records it has and whether it is the stratum's last."""
    n = listed.groupby([STRATUM, PLACE]).size().sort_index()
    place = n.index.get_level_values(PLACE)
    last = n.index.to_frame(index=False).groupby(STRATUM)[PLACE].transform("max").to_numpy()
    return pd.DataFrame({"n": n, "last": place == last}, index=n.index)


def _on_first(of_block: pd.Series, listed: pd.DataFrame) -> pd.Series:
    """Return a block's value on its first record."""
    first = listed.drop_duplicates()
    return of_block.reindex(pd.MultiIndex.from_frame(first)).set_axis(first.index)


HELPERS: Mapping[str, Helper] = {
    "steps_by_one": Helper("step from the number before", _steps),
    "dated_in_turn": Helper("days after the entries before", _days_after_earlier),
    "block_filled": Helper("records too few or too many in the block", _records_amiss),
    "block_in_ratio": Helper("records off the ratio in the block", _ratio_amiss),
    "balanced": Helper("records off balance in the stratum", _imbalance),
}
