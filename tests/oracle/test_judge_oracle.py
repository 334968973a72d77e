"""The contract by another road: each rule as a plain loop over records, against Great Expectations."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.simulation.srt_trial import SimulatedTrial, simulate_trial
from data_contracts.forms import ReadForm
from data_contracts.judge import judge
from data_contracts.load import find_trial, load_trial
from data_contracts.readers import read_trial
from data_contracts.rules import Rule
from data_contracts.spec import Trial
from data_contracts.suites import rules_of
from data_contracts.verdict import verdict_of
from data_contracts.writers.export import export_form

# Great Expectations imports modules that Python has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning")

Record = dict[str, Any]  # a form's values by column, None where missing
Data = Mapping[str, list[tuple[int, Record]]]
FORM_RULES = {
    "present",
    "no_others",
    "has_rows",
    "varied",
}  # on a form as a whole: nothing to count by record
TODAY = date(2018, 9, 1)  # amid the trial: some visits are due, some dates have not come
N_CHANGES = 400  # cells changed in seven forms


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def simulated(trial: Trial) -> SimulatedTrial:
    return simulate_trial(trial)


@pytest.fixture(scope="module")
def clean(
    trial: Trial, simulated: SimulatedTrial, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, ReadForm]:
    landing = tmp_path_factory.mktemp("landing")
    for form in trial.forms.values():
        export_form(simulated.forms[form.name], form, trial, landing)
    return read_trial(Path(landing), trial)


def _dirty(clean: Mapping[str, ReadForm], rng: np.random.Generator) -> dict[str, ReadForm]:
    """Return the forms with cells changed and records repeated at random."""
    values = {name: form.values.copy() for name, form in clean.items()}
    for _ in range(N_CHANGES):
        name = str(rng.choice(list(values)))
        frame = values[name]
        column, row = str(rng.choice(frame.columns)), int(rng.integers(1, len(frame) + 1))
        frame.loc[row, column] = _wrong_value(frame[column], rng)
    _slip(values["time_use"], rng)
    of_stratum = values["allocation"].query("site == 'Norfolk' and sex == 'M' and arm == 'UC'").index[:6]
    values["allocation"].loc[of_stratum, "arm"] = "SRT"
    again = {name: frame.sample(3, random_state=int(rng.integers(1000))) for name, frame in values.items()}
    grown = {name: pd.concat([frame, again[name]]) for name, frame in values.items()}
    numbered = {n: f.set_axis(pd.RangeIndex(1, len(f) + 1, name="row")) for n, f in grown.items()}
    return {
        n: replace(form, values=numbered[n], unreadable=_cells(numbered[n], rng)) for n, form in clean.items()
    }


def _slip(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Copy a date from a participant's visit to the next one, and enter too many hours at baseline."""
    person, visit = frame["participant"], frame["visit"]
    follows = frame.index[(person == person.shift()) & (visit != visit.shift())]
    for row in rng.choice(follows, 3, replace=False):
        frame.loc[row, "visit_date"] = frame.loc[row - 1, "visit_date"]
    at_entry = rng.choice(frame.index[visit == "baseline"], 3, replace=False)
    frame.loc[at_entry, "structured_activity_hours"] = 40


def _cells(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows, columns = rng.integers(1, len(frame) + 1, 4), rng.choice(frame.columns, 4)
    return pd.DataFrame({"row": rows, "column": columns, "found": "?", "expected": "a value"})


def _wrong_value(column: pd.Series, rng: np.random.Generator) -> Any:
    kind = column.dtype.kind
    if rng.random() < 0.3:
        return None
    if kind == "M":
        return pd.Timestamp("2016-01-01") + pd.Timedelta(days=int(rng.integers(0, 2000)))
    if kind in "iuf":
        return int(rng.choice([-1, 0, 1, 3, 5, 40, 168, 169, 999]))
    return str(
        rng.choice(["", " ", "ZZ", "P1001", "P1002", "m9", "SRT", "UC", "met her SRT therapist", "srtx"])
    )


def _records(form: ReadForm) -> list[tuple[int, Record]]:
    return [
        (int(row), {name: _plain(value) for name, value in record.items()})
        for row, record in zip(form.values.index, form.values.to_dict("records"), strict=True)
    ]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return None if isinstance(value, str) and not value.strip() else value


def _days(earlier: pd.Timestamp | None, later: pd.Timestamp | None) -> int | None:
    return None if earlier is None or later is None else (later - earlier).days


class Oracle:
    """Answers of a slow reader of the records: which rows break a rule."""

    def __init__(self, trial: Trial, forms: Mapping[str, ReadForm]) -> None:
        self.trial, self.forms = trial, forms
        self.data = {name: _records(form) for name, form in forms.items()}

    def rows(self, rule: Rule) -> tuple[int, ...]:
        breaks: Callable[[Rule, int, Record], bool] = getattr(self, rule.check)
        return tuple(row for row, record in self.data[rule.form] if breaks(rule, row, record))

    def not_missing(self, rule: Rule, _: int, record: Record) -> bool:
        return record[rule.columns[0]] is None

    def in_set(self, rule: Rule, _: int, record: Record) -> bool:
        value = record[rule.columns[0]]
        return value is not None and value not in rule.arguments["values"]

    def between(self, rule: Rule, _: int, record: Record) -> bool:
        value = record[rule.columns[0]]
        return value is not None and not rule.arguments["low"] <= value <= rule.arguments["high"]

    def unique(self, rule: Rule, _: int, record: Record) -> bool:
        key = [record[c] for c in rule.columns]
        same = [r for _, r in self.data[rule.form] if [r[c] for c in rule.columns] == key]
        return None not in key and len(same) > 1

    def readable(self, rule: Rule, row: int, _: Record) -> bool:
        cells = self.forms[rule.form].unreadable
        return any(r == row and c in rule.columns for r, c in zip(cells["row"], cells["column"], strict=True))

    def known(self, rule: Rule, _: int, record: Record) -> bool:
        others = [r["participant"] for _, r in self.data[rule.arguments["form"]]]
        visits = rule.arguments.get("visits")
        asked = not visits or record["visit"] in visits
        return asked and record["participant"] is not None and record["participant"] not in others

    def in_window(self, rule: Rule, _: int, record: Record) -> bool:
        dates = [d for d in self._of("allocation", "randomised_on", record["participant"]) if d]
        window = {v.code: v.window for v in self.trial.visits}.get(record["visit"])
        days = _days(min(dates), record[rule.columns[0]]) if dates else None
        return bool(window and days is not None and not window[0] <= days <= window[1])

    def in_order(self, rule: Rule, _: int, record: Record) -> bool:
        earlier, later = (self._dates(rule.arguments[k], rule.form, record) for k in ("earlier", "later"))
        return any(b < a for a in earlier for b in later)

    def adds_up(self, rule: Rule, _: int, record: Record) -> bool:
        total, *parts = (record[c] for c in rule.columns)
        if total is None or None in parts:
            return False
        return (
            abs(total - sum(parts)) > 1e-6
        )  # no questionnaire of this trial whose total is exported reverses items

    def one_arm(self, _: Rule, __: int, record: Record) -> bool:
        return len({a for a in self._of("allocation", "arm", record["participant"]) if a}) > 1

    def in_therapy_arm(self, rule: Rule, _: int, record: Record) -> bool:
        arms = {a for a in self._of("allocation", "arm", record["participant"]) if a}
        return len(arms) == 1 and not arms <= set(rule.arguments["values"])

    def no_words(self, rule: Rule, _: int, record: Record) -> bool:
        text = f" {re.sub('[^a-z0-9_]', ' ', (record[rule.columns[0]] or '').casefold())} "
        return any(f" {word.casefold()} " in text for word in rule.arguments["words"])

    def not_future(self, rule: Rule, _: int, record: Record) -> bool:
        day = record[rule.columns[0]]
        return day is not None and (day.date() - TODAY).days > 1

    def in_turn(self, rule: Rule, _: int, record: Record) -> bool:
        months = {v.code: v.month for v in self.trial.visits}
        mine = months.get(record["visit"]), record[rule.columns[0]]
        if None in mine:
            return False
        others = [r for _, r in self.data[rule.form] if r["participant"] == record["participant"] is not None]
        dated = [(months.get(r["visit"]), r[rule.columns[0]]) for r in others]
        return any(None not in (m, d) and m < mine[0] and d > mine[1] for m, d in dated)

    def own_day(self, rule: Rule, _: int, record: Record) -> bool:
        mine = (record["participant"], record[rule.columns[0]])
        if None in (*mine, record["visit"]):
            return False
        here = [r for _, r in self.data[rule.form] if (r["participant"], r[rule.columns[0]]) == mine]
        return len({r["visit"] for r in here if r["visit"]}) > 1

    def there_in_time(self, rule: Rule, _: int, record: Record) -> bool:
        who, closes = record["participant"], rule.arguments["closes"]
        dates = [d for d in self._of("allocation", "randomised_on", who) if d]
        if not dates or (TODAY - min(dates).date()).days <= closes:
            return False
        left = [d for d in self._of("withdrawals", "withdrawn", who) if d]
        if left and (min(left) - min(dates)).days <= closes:
            return False
        seen = self._of(rule.arguments["form"], "visit", who)
        return rule.arguments["visit"] not in seen

    def eligible_range(self, rule: Rule, _: int, record: Record) -> bool:
        value, legal = record[rule.columns[0]], rule.arguments["legal"]
        randomised = [r["participant"] for _, r in self.data["allocation"]]
        if value is None or record["participant"] not in randomised or record["participant"] is None:
            return False
        if record.get("visit", "baseline") != "baseline" or not legal[0] <= value <= legal[1]:
            return False
        return not rule.arguments["low"] <= value <= rule.arguments["high"]

    def _list(self) -> dict[tuple[Any, Any], list[tuple[int, Record]]]:
        """Return the list's records by stratum, those with a stratum."""
        strata: dict[tuple[Any, Any], list[tuple[int, Record]]] = {}
        for row, record in self.data["allocation"]:
            if record["site"] is not None and record["sex"] is not None:
                strata.setdefault((record["site"], record["sex"]), []).append((row, record))
        return strata

    def _blocks(self) -> list[tuple[list[tuple[int, Record]], bool]]:
        """Return the records of each block, and whether it is the stratum's last."""
        found = []
        for records in self._list().values():
            numbers = sorted({r["block"] for _, r in records if r["block"] is not None})
            found += [
                ([x for x in records if x[1]["block"] == number], number == numbers[-1]) for number in numbers
            ]
        return found

    def steps_by_one(self, _: Rule, row: int, __: Record) -> bool:
        for records in self._list().values():
            before = 0
            for number in sorted({r["block"] for _, r in records if r["block"] is not None}):
                first = next(x for x, r in records if r["block"] == number)
                if first == row:
                    return bool(number - before != 1)
                before = number
        return False

    def dated_in_turn(self, _: Rule, row: int, record: Record) -> bool:
        if record["block"] is None or record["randomised_on"] is None:
            return False
        for records in self._list().values():
            if row in [x for x, _ in records]:
                earlier = [r for _, r in records if r["block"] is not None and r["block"] < record["block"]]
                return any(
                    r["randomised_on"] and r["randomised_on"] > record["randomised_on"] for r in earlier
                )
        return False

    def block_filled(self, rule: Rule, row: int, _: Record) -> bool:
        sizes = rule.arguments["sizes"]
        for records, is_last in self._blocks():
            if records[0][0] == row:
                return len(records) > max(sizes) if is_last else len(records) not in sizes
        return False

    def block_in_ratio(self, rule: Rule, row: int, _: Record) -> bool:
        for records, is_last in self._blocks():
            if records[0][0] == row and not is_last and len(records) in rule.arguments["sizes"]:
                arms = [r["arm"] for _, r in records]
                return any(2 * arms.count(arm) != len(records) for arm in ("UC", "SRT"))
        return False

    def balanced(self, _: Rule, row: int, __: Record) -> bool:
        for records in self._list().values():
            if records[-1][0] == row:
                arms = [r["arm"] for _, r in records]
                return any(abs(arms.count(arm) - len(arms) / 2) > 6 / 4 for arm in ("UC", "SRT"))
        return False

    def not_copied(self, rule: Rule, _: int, record: Record) -> bool:
        records = [[r[c] for c in rule.columns] for _, r in self.data[rule.form]]
        mine = [record[c] for c in rule.columns]
        if records.count(mine) < 2:
            return False
        expected = float(len(records))
        for place, value in enumerate(mine):
            if value not in (None, 0, "0"):
                expected *= sum(r[place] == value for r in records) / len(records)
        return expected < 1e-3

    def written(self, _: Rule, __: int, record: Record) -> bool:
        return record["category"] == "admission" and record["serious"] not in ("Y", None)

    def _of(self, form: str, column: str, participant: str | None) -> list[Any]:
        return [r[column] for _, r in self.data[form] if participant and r["participant"] == participant]

    def _dates(self, name: str, here: str, record: Record) -> list[Any]:
        form, column = name.split(".")
        found = [record[column]] if form == here else self._of(form, column, record["participant"])
        return [d for d in found if d is not None]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_great_expectations_finds_what_a_plain_loop_finds(
    seed: int, trial: Trial, clean: dict[str, ReadForm]
) -> None:
    """Helper columns, index lists and missing values are where a rule could go wrong unseen."""
    forms = _dirty(clean, np.random.default_rng(seed))
    findings = judge(forms, trial, rules_of(trial), today=TODAY)
    oracle = Oracle(trial, forms)
    by_record = [f for f in findings if f.rule.check not in FORM_RULES]
    assert not [f.rule.id for f in findings if f.error]
    assert {f.rule.id: f.rows for f in by_record} == {f.rule.id: oracle.rows(f.rule) for f in by_record}
    assert all(f.passed == (not f.rows) for f in by_record)


def test_the_random_dirt_breaks_every_kind_of_rule(trial: Trial, clean: dict[str, ReadForm]) -> None:
    """An oracle that agrees on nothing found would prove nothing."""
    broken = set()
    for seed in (1, 2):
        oracle = Oracle(trial, _dirty(clean, np.random.default_rng(seed)))
        broken |= {r.check for r in rules_of(trial) if r.check not in FORM_RULES and oracle.rows(r)}
    assert broken == {r.check for r in rules_of(trial)} - FORM_RULES


def test_every_planted_defect_is_asked_about_and_nothing_else(
    trial: Trial, simulated: SimulatedTrial, clean: dict[str, ReadForm]
) -> None:
    """The demonstration's seven mistakes are the ones a trials unit meets; a false alarm costs its trust."""
    verdict = verdict_of(clean, trial, judge(clean, trial, rules_of(trial)))
    asked = set(zip(verdict.queries["form"], verdict.queries["row"], verdict.queries["field"], strict=True))
    planted = {(d.form, d.row, d.column) for d in simulated.defects}
    swapped = next(d.participant for d in simulated.defects if d.column == "consented")
    dated_by_it = {
        (q.form, q.row, q.field)
        for q in verdict.queries.itertuples()
        if q.participant == swapped and q.dimension == "date"
    }
    overdue = set(
        verdict.queries.loc[verdict.queries["rule"] == "allocation.completeness.time_use.m9", "row"]
    )
    assert overdue == _without_nine_months(trial, simulated)
    others = {(f, r, c) for f, r, c in asked if c not in {"consented", "participant"}} - dated_by_it
    assert not verdict.withheld
    assert dated_by_it  # a consent that comes after randomisation is asked about where it is compared
    assert others == {place for place in planted if place[2] not in {"consented", "participant"}}
    assert {r for f, r, c in asked if (f, c) == ("participants", "participant")} == {
        40,
        156,
    }  # both of the pair


def _without_nine_months(trial: Trial, simulated: SimulatedTrial) -> set[int]:
    """Return the rows of the list whose participant has no interview at 9 months and had not left by then."""
    data = simulated.forms
    seen = set(data["time_use"].loc[data["time_use"]["visit"] == "9", "participant"])
    left = data["withdrawals"].set_index("participant")["withdrawn"].to_dict()
    closes = next(v.window[1] for v in trial.visits if v.code == "m9" and v.window)
    return {
        row
        for row, who in enumerate(data["allocation"].itertuples(), start=1)
        if who.participant not in seen
        and not (who.participant in left and (left[who.participant] - who.randomised_on).days <= closes)
    }
