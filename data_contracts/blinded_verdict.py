"""What blinded people may read of a verdict: no participant where a rule tells the arm. Not here: shuffling."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from data_contracts.blinding import Blinded, held_columns, revealing_columns, revealing_forms
from data_contracts.queries import ID_LENGTH
from data_contracts.rules import Rule, Verdict
from data_contracts.spec import Trial

REVEALING_CHECKS = ("one_arm", "in_therapy_arm")
ASK = "Ask whoever holds the allocation list: who it is would tell the arm."


def with_marks(rules: Iterable[Rule], trial: Trial, *, blinded: bool) -> tuple[Rule, ...]:
    """Return the rules, marked where blinded people may not be told which records break them."""
    return tuple(replace(rule, reveals_allocation=blinded and reveals(rule, trial)) for rule in rules)


def reveals(rule: Rule, trial: Trial) -> bool:
    """Return whether to know which record breaks a rule would tell somebody's arm."""
    if rule.reveals_allocation or rule.check in REVEALING_CHECKS:
        return True
    whole = revealing_forms(trial)
    named = {*revealing_columns(trial).get(rule.form, ()), *held_columns(trial).get(rule.form, ())}
    if rule.form in whole or named & set(rule.columns):
        return True
    return any(text.split(".")[0] in whole for text in _texts(rule.arguments))


def _texts(arguments: Any) -> Iterator[str]:
    """Yield every text among a rule's arguments, however deep: forms are named there."""
    if isinstance(arguments, str):
        yield arguments
    elif isinstance(arguments, Mapping):
        yield from (text for value in arguments.values() for text in _texts(value))
    elif isinstance(arguments, (list, tuple, set, frozenset)):
        yield from (text for value in arguments for text in _texts(value))


def accepted_in_the_open(accepted: Mapping[str, pd.DataFrame], blind: Blinded) -> dict[str, pd.DataFrame]:
    """Return the accepted records as the shuffled forms have them."""
    shown = dict[str, pd.DataFrame]()
    for name, frame in accepted.items():
        rows = blind.rows.get(name)
        kept = frame.index if rows is None else sorted(rows[row] for row in frame.index)
        shown[name] = blind.forms[name].values.loc[kept]
    return shown


def quarantine_in_the_open(verdict: Verdict, trial: Trial) -> pd.DataFrame:
    """Return the records set aside; of those that tell the arm, that there is one."""
    told = _revealing_ids(verdict)
    frame, whole = verdict.quarantine.copy(), revealing_forms(trial)
    rules = frame["rule"].map(lambda ids: not told.isdisjoint(ids.split("; "))).astype(bool)
    secret = frame["form"].isin(whole) | rules
    frame.loc[secret, ["participant", "visit"]] = ""
    frame.loc[secret, "row"] = 0
    return pd.concat([frame[~secret], frame[secret].sort_values("rule", kind="stable")], ignore_index=True)


def queries_in_the_open(verdict: Verdict, trial: Trial) -> pd.DataFrame:
    """Return the queries; those that tell the arm as one per rule, without participant, row and value."""
    told = _revealing_ids(verdict)
    secret = verdict.queries["rule"].isin(told)
    shown = verdict.queries[~secret]
    counted = [
        _counted(one, trial) for _, one in verdict.queries[secret].groupby(["form", "rule"], sort=False)
    ]
    whole = pd.concat([shown, *counted], ignore_index=True)
    return whole.astype(verdict.queries.dtypes.to_dict())


def revealing_queries(queries: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return those of the full queries that blinded people see counted only."""
    from data_contracts.suites import rules_of

    told = {rule.id for rule in rules_of(trial) if reveals(rule, trial)}
    return queries[queries["rule"].isin(told)]


def _counted(queries: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return one query in place of all of a rule; its id is the same each night."""
    first = queries.head(1)
    records = "1 record" if len(queries) == 1 else f"{len(queries)} records"
    about = "\x1f".join([trial.name, str(first["rule"].iloc[0]), "held apart"])
    return first.assign(
        query_id=hashlib.sha256(about.encode()).hexdigest()[:ID_LENGTH],
        row=pd.array([pd.NA], dtype="Int64"),
        participant="",
        visit="",
        value="",
        **({"site": ""} if "site" in first else {}),
        message=f"{records}. {first['message'].iloc[0]} {ASK}",
    )


def _revealing_ids(verdict: Verdict) -> set[str]:
    return {finding.rule.id for finding in verdict.findings if finding.rule.reveals_allocation}
