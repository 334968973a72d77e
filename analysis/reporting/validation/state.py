"""The state of the data in a sentence, what to do first, and this night beside the last. Not here: the details."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.reporting.validation.blocked import blocking
from analysis.reporting.validation.content import ValidationContent
from analysis.reporting.validation.words import counted, day, listed, moment
from data_contracts.standing import not_as_locked, said_of

CHANGED = {"data_hash": "the data", "plan_hash": "the plan", "code_version": "the program"}
BLINDED = (
    "This trial is blinded. Nothing here is told by arm, and where a rule would tell somebody's arm, it is said "
    "how many records break it and not which."
)


@dataclass(frozen=True, slots=True)
class State:
    """What the head of the page says."""

    kind: Literal["accepted", "withheld"]
    badge: str
    sentence: str
    reasons: tuple[str, ...]
    first: str  # what to do first
    command: str  # that shows it; "" where none does
    facts: Mapping[str, str]


def state_of(content: ValidationContent, queries: pd.DataFrame) -> State:
    """Return the state of a night's data.

    Args:
        content: The night.
        queries: See by_rule.queries_by_rule.
    """
    first, command = _first(content, queries)
    return State(
        kind="withheld" if content.withheld else "accepted",
        badge="Withheld from analysis" if content.withheld else "Accepted",
        sentence=_sentence(content),
        reasons=content.reasons if content.withheld else (),
        first=first,
        command=command,
        facts=dict(_facts(content)),
    )


def marks_of(content: ValidationContent) -> Mapping[str, str]:
    """Return what stands over the whole page, by kind."""
    marks = {"not-as-locked": not_as_locked(content.facts.get("lock") or {})}
    return {kind: text for kind, text in marks.items() if text}


def _sentence(content: ValidationContent) -> str:
    when = day(content.time, content.zone)
    if content.withheld:
        return (
            f"The data of {when} are withheld: nothing may be analysed, for "
            f"{counted(len(content.reasons), 'reason')}. The last good results stay as they are."
        )
    n = {name: int(content.counts[name].sum()) for name in ("rows_in", "accepted", "quarantined")}
    aside = f"{counted(n['quarantined'], 'is', 'are')} set aside" if n["quarantined"] else "none is set aside"
    return (
        f"The data of {when} are accepted for analysis: {n['accepted']:,} of {counted(n['rows_in'], 'record')} in "
        f"{counted(len(content.counts), 'form')}; {aside}."
    )


def _first(content: ValidationContent, queries: pd.DataFrame) -> tuple[str, str]:
    """Return what to do first, the gravest there is, and the command that shows it."""
    if content.withheld:
        return _mend(content), ""
    unsettled = queries[queries["unresolved"] > queries["answered"]]
    grave = unsettled[unsettled["severity"] == "critical"]
    late = queries[queries["overdue"] > 0]
    waiting = unsettled[unsettled["severity"] != "info"]
    if len(grave):
        return _settle("critical", grave, "unresolved", content), _command(content, " --severity critical")
    if len(late):
        return _settle("overdue", late, "overdue", content), _command(content, " --overdue")
    if len(waiting):
        return _settle("open", waiting, "unresolved", content), _command(content, "")
    return _nothing(queries), ""


def _mend(content: ValidationContent) -> str:
    """Return who is to do something about the first rule that withholds the data."""
    blocks = blocking(content)
    keeps_all = blocks[blocks["effect"] == "withhold"]
    again = "The next night judges anew."
    if keeps_all.empty:  # a form of which nothing is left
        return f"see below what set the records aside. {again}"
    rule = keeps_all.iloc[0]
    return f"the {rule['owner']} has to settle “{content.label(rule['form'])}”. {again}"


def _settle(which: str, rules: pd.DataFrame, column: str, content: ValidationContent) -> str:
    n, forms = int(rules[column].sum()), [content.label(form) for form in rules["form"].unique()]
    queries = counted(n, f"{which} query", f"{which} queries")
    return f"Settle the {queries} on {listed(forms, 3)}:"


def _command(content: ValidationContent, option: str) -> str:
    return f"srt queries {content.trial.name}{option}"


def _nothing(queries: pd.DataFrame) -> str:
    n = int(queries["answered"].sum())
    if n:
        return f"Nothing: {counted(n, 'answer waits', 'answers wait')} for the next delivery to bear it out."
    return "Nothing: no query waits for an answer."


def _facts(content: ValidationContent) -> Iterator[tuple[str, str]]:
    yield "Night", moment(content.time, content.zone)
    yield "Run", content.run_id
    yield "Data received", _received(content)
    yield "Since the night before", since_before(content)
    yield "Allocation", "shuffled: the trial is blinded" if content.is_blinded else "true: not blinded"
    yield "Lock", said_of(content.facts.get("lock") or {})
    yield "Data, plan, program", _hashes(content)


def _received(content: ValidationContent) -> str:
    there = [file for file in content.files if file.name]
    newest = max((file.modified for file in there if file.modified), default=None)
    said = f"{len(there)} of {counted(len(content.files), 'file')}"
    return f"{said}, the newest of {moment(newest, content.zone)}" if newest else said


def since_before(content: ValidationContent) -> str:
    """Return what differs from the night before, in a few words."""
    nights = content.nights
    if len(nights) < 2:
        return "this is the first night"
    last, before = nights.iloc[-1], nights.iloc[-2]
    differs = [words for name, words in CHANGED.items() if last[name] != before[name]]
    when = day(before["time"], content.zone)
    if not differs:
        return f"neither data nor plan nor program changed since {when}"
    files = [content.label(file.form) for file in content.files if file.is_other]
    which = f" (files: {listed(files, 4)})" if files and "the data" in differs else ""
    return f"{listed(differs)} changed since {when}{which}"


def _hashes(content: ValidationContent) -> str:
    names = ("data_hash", "plan_hash", "code_version")
    return ", ".join(str(content.facts.get(name, "not recorded"))[:12] for name in names)
