"""Subjects of the contract that need more than one record or form: a bad one is found, a good one is not."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.judge import judge
from data_contracts.load import load_trial
from data_contracts.rules import Finding
from data_contracts.spec import Trial
from data_contracts.suites import by_trial, rules_of
from data_contracts.suites.must import Must
from data_contracts.verdict import verdict_of

# Great Expectations imports modules that Python has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning")

TRIAL = """
title = "Small"
description = "A trial with a list, criteria, expected visits and rules of its own."
plan_version = "1"
seed = 1
primary_estimand = "e"
strata = ["site"]
arms = [{ code = "UC", label = "Usual care", reference = true }, { code = "SRT", label = "SRT", therapy = true }]
sites = [{ code = "N", label = "North" }, { code = "S", label = "South" }]
visits = [
    { code = "base", label = "Baseline", month = 0, window = [-30, 0], baseline = true },
    { code = "m9", label = "9 months", month = 9, window = [240, 300] },
    { code = "m15", label = "15 months", month = 15, window = [420, 480] },
]
eligibility = [
    { column = "participants.age", label = "Adult", range = [18, 65] },
    { column = "participants.sex", label = "Women only", codes = ["F"] },
    { column = "scores.hours", label = "Less than 30 hours", range = [0, 29.9] },
]

[randomisation]
sequence = "number"
block = "block"
block_sizes = [2, 4]

[checks.ended_after_start]
form = "scores"
when = [{ column = "state", op = "=", value = "ill" }, { column = "hours", op = "<", value = 100 }]
must = [{ column = "ended", op = ">=", other = "seen" }, { column = "ended", op = ">", value = "2024-01-01" }]
message = "An illness must end after it was seen. Check the dates."
owner = "safety officer"

[checks.state_known]
form = "scores"
must = [{ column = "state", op = "one of", values = ["well", "ill"] }, { column = "hours", op = "present" }]
severity = "critical"
message = "State and hours must be known. Ask the site."

[forms.participants]
label = "Participants"
kind = "participants"
file = "p.csv"
format = "csv"
key = ["participant"]
[forms.participants.columns]
participant = { type = "text" }
age = { type = "integer", range = [16, 99] }
sex = { type = "category", labels = { F = "Female", M = "Male" } }
code = { type = "integer", range = [0, 100], missing = { 99 = "not known", -1 = "refused" } }

[forms.allocation]
label = "Allocation"
kind = "allocation"
file = "a.csv"
format = "csv"
key = ["participant"]
date = "randomised_on"
owner = "trial manager"
[forms.allocation.columns]
participant = { type = "text" }
randomised_on = { type = "date", format = "%Y-%m-%d" }
site = { type = "text" }
number = { type = "integer" }
block = { type = "integer" }
arm = { type = "text" }

[forms.scores]
label = "Scores"
kind = "visits"
file = "s.csv"
format = "csv"
key = ["participant", "visit"]
date = "seen"
expected_at = ["m9"]
[forms.scores.columns]
participant = { type = "text" }
visit = { type = "text" }
seen = { type = "date", format = "%Y-%m-%d" }
hours = { type = "number", range = [0, 168] }
mood = { type = "number", required_at = ["m9"] }
sleep = { type = "number" }
pain = { type = "number" }
state = { type = "category", labels = { well = "Well", ill = "Ill" } }
ended = { type = "date", format = "%Y-%m-%d", may_be_future = true }

[forms.withdrawals]
label = "Withdrawals"
kind = "withdrawals"
file = "w.csv"
format = "csv"
key = ["participant"]
date = "left"
may_be_empty = true
[forms.withdrawals.columns]
participant = { type = "text" }
left = { type = "date", format = "%Y-%m-%d" }

[outcomes.hours]
label = "Hours"
form = "scores"
column = "hours"
better = "higher"
[populations.all]
label = "All"
[estimands.e]
label = "E"
clause = "1"
treatment = "SRT against UC"
population = "all"
outcome = "hours"
visit = "m9"
summary = "difference in means"
intercurrent_events = [{ event = "stopping", strategy = "treatment policy" }]
[analyses.primary]
label = "Model"
estimand = "e"
estimator = "mmrm"
role = "primary"
"""
FIRST = pd.Timestamp("2024-01-10")
EXPORTED = datetime(
    2025, 1, 1, tzinfo=UTC
)  # every window at 9 months has closed, those at 15 months have not
N = 24
DTYPES = {"text": "str", "category": "str", "integer": "Int64", "number": "float64", "date": "datetime64[s]"}
Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    path = tmp_path_factory.mktemp("trial") / "small.toml"
    path.write_text(TRIAL, encoding="utf-8")
    return load_trial(path)


def clean_frames() -> Frames:
    """Return data without a mistake: P1 to P24, sites in turn, blocks of two within each site."""
    order = range(N)
    people = [f"P{i + 1}" for i in order]
    place = [i // 2 for i in order]  # within the site, from 0
    randomised = [FIRST + pd.Timedelta(days=i) for i in order]
    allocation = pd.DataFrame(
        {
            "participant": people,
            "randomised_on": randomised,
            "site": ["N", "S"] * (N // 2),
            "number": [p + 1 for p in place],
            "block": [p // 2 + 1 for p in place],
            "arm": ["SRT" if (p + p // 2) % 2 else "UC" for p in place],
        }
    )
    people_form = pd.DataFrame(
        {"participant": people, "age": [20 + i for i in order], "sex": "F", "code": list(order)}
    ).assign(sex=["F"] * N)
    return {
        name: _numbered(frame)
        for name, frame in {
            "participants": people_form,
            "allocation": allocation,
            "scores": _scores(people, randomised),
            "withdrawals": pd.DataFrame({"participant": ["P24"], "left": [FIRST]}).iloc[:0],
        }.items()
    }


def _scores(people: list[str], randomised: list[pd.Timestamp]) -> pd.DataFrame:
    records = [
        {
            "participant": who,
            "visit": visit,
            "seen": day + pd.Timedelta(days=after),
            "hours": 5.0 + i % 20,
            "mood": 10.0 * i + after,
            "sleep": 20.0 * i + after,
            "pain": 30.0 * i + after,
            "state": ["well", "ill"][i % 2],
            "ended": pd.Timestamp("2026-01-01") + pd.Timedelta(days=i),
        }
        for i, (who, day) in enumerate(zip(people, randomised, strict=True))
        for visit, after in (("base", -3), ("m9", 260))
    ]
    return pd.DataFrame(records)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name=ROW))


def read_forms(
    frames: Frames, trial: Trial, reasons: Mapping[str, pd.DataFrame] | None = None
) -> dict[str, ReadForm]:
    forms = {}
    for name, frame in frames.items():
        columns = trial.columns_of(trial.forms[name])
        typed = frame.astype({c: DTYPES[columns[c].type] for c in frame.columns})
        why = (reasons or {}).get(name, pd.DataFrame(index=frame.index))
        unreadable = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
        forms[name] = ReadForm(name, typed, why, unreadable, SourceFile(name, "0" * 64, 1, EXPORTED))
    return forms


Change = Callable[[Frames], None]


def _set(form: str, column: str, *cells: tuple[int, object]) -> Change:
    def change(frames: Frames) -> None:
        frames[form] = frames[form].astype({column: "object"})
        for row, value in cells:
            frames[form].loc[row, column] = value

    return change


def _drop(form: str, *rows: int) -> Change:
    def change(frames: Frames) -> None:
        frames[form] = _numbered(frames[form].drop(index=list(rows)))

    return change


def _all_of(*changes: Change) -> Change:
    def change(frames: Frames) -> None:
        for one in changes:
            one(frames)

    return change


def _copy_scores(frames: Frames) -> None:
    same = ["hours", "mood", "sleep", "pain", "state"]
    frames["scores"].loc[7, same] = frames["scores"].loc[3, same]


# North is rows 1, 3, 5 … of the list, South the others; scores have rows 2i - 1 (baseline) and 2i (9 months) of P<i>.
MISTAKES: Mapping[str, tuple[Change, str, tuple[int, ...]]] = {
    "a number left out of the list": (
        _all_of(_set("allocation", "number", *((row, row // 2 + 2) for row in range(11, 24, 2)))),
        "allocation.randomisation.sequence.number", (11,)),
    "a number given twice": (_set("allocation", "number", (5, 2)), "allocation.randomisation.sequence.number", (5, 7)),
    "a block left out": (
        _set("allocation", "block", *((row, row // 4 + 2) for row in range(17, 24, 2))),
        "allocation.randomisation.sequence.block", (17,)),
    "an entry dated before the one it follows": (
        _set("allocation", "randomised_on", (9, FIRST)), "allocation.randomisation.dated_in_turn", (9,)),
    "a block of three": (
        _set("allocation", "block", (5, 1)), "allocation.randomisation.block_size", (1, 7)),
    "a finished block out of ratio": (
        _all_of(_set("allocation", "arm", (1, "SRT"))), "allocation.randomisation.block_ratio", (1,)),
    "a stratum out of balance": (
        _set("allocation", "arm", *((row, "SRT") for row in range(1, 24, 2))),
        "allocation.randomisation.balance", (23,)),
    "somebody randomised who is too young": (
        _set("participants", "age", (4, 17)), "participants.eligibility.age", (4,)),
    "somebody randomised of another sex": (
        _set("participants", "sex", (6, "M")), "participants.eligibility.sex", (6,)),
    "too many hours at entry": (_set("scores", "hours", (5, 40.0)), "scores.eligibility.hours", (5,)),
    "a visit whose window has closed": (_drop("scores", 8), "allocation.completeness.scores.m9", (4,)),
    "a value missing at the visit that needs it": (
        _set("scores", "mood", (6, None), (7, None)), "scores.completeness.mood.by_visit", (6,)),
    "a date that has not come": (
        _set("scores", "seen", (10, pd.Timestamp("2025-01-03"))), "scores.date.seen.future", (10,)),
    "a visit before an earlier one": (
        _set("scores", "seen", (12, pd.Timestamp("2023-12-20"))), "scores.visit.in_turn", (12,)),
    "two visits on one day": (
        _set("scores", "seen", (3, pd.Timestamp("2024-03-01")), (4, pd.Timestamp("2024-03-01"))),
        "scores.pattern.own_day", (3, 4)),
    "a follow-up of nobody randomised": (_drop("allocation", 24), "scores.reference.allocation", (48,)),
    "a record copied": (_copy_scores, "scores.pattern.copied", (3, 7)),
    "an own rule broken": (
        _set("scores", "ended", (4, pd.Timestamp("2024-01-05")), (6, pd.Timestamp("2024-01-05"))),
        "scores.written.ended_after_start", (4,)),
    "an own rule on presence broken": (
        _set("scores", "hours", (9, None)), "scores.written.state_known", (9,)),
}  # fmt: skip


@pytest.fixture(scope="module")
def clean_findings(trial: Trial) -> tuple[Finding, ...]:
    return judge(read_forms(clean_frames(), trial), trial, rules_of(trial))


def _judge_one(rule_id: str, frames: Frames, trial: Trial, **given: object) -> Finding:
    rules = [rule for rule in rules_of(trial) if rule.id == rule_id]
    (finding,) = judge(read_forms(frames, trial), trial, rules, **given)
    return finding


def test_clean_data_break_no_rule(clean_findings: tuple[Finding, ...]) -> None:
    """A rule that finds fault with good records would train people to ignore it."""
    failed = [(f.rule.id, f.rows, f.error) for f in clean_findings if not f.passed or f.error]
    assert failed == [("participants.pattern.silent", (), "")]  # all are women here, as the plan has it


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "_"))
def test_the_rule_finds(mistake: str, trial: Trial) -> None:
    """The records that break the rule are named by their row, and no others."""
    change, rule_id, rows = MISTAKES[mistake]
    frames = clean_frames()
    change(frames)
    finding = _judge_one(rule_id, frames, trial)
    assert (finding.passed, finding.rows, finding.error) == (False, rows, "")


def test_without_windows_a_follow_up_must_still_come_after_randomisation(tmp_path: Path) -> None:
    """Some trials declare no windows; a baseline visit comes before, as it should."""
    plan = TRIAL.replace('expected_at = ["m9"]\n', "")
    for window in ("[-30, 0]", "[240, 300]", "[420, 480]"):
        plan = plan.replace(f", window = {window}", "")
    (tmp_path / "open.toml").write_text(plan, encoding="utf-8")
    frames = clean_frames()
    _set("scores", "seen", (4, FIRST - pd.Timedelta(days=3)))(frames)
    found = _judge_one("scores.visit.after_randomisation", frames, load_trial(tmp_path / "open.toml"))
    assert found.rows == (4,)


def test_an_unfinished_last_block_is_no_mistake(trial: Trial) -> None:
    """Recruitment ends when it ends: the last block of a site may hold one of two, or be off the ratio."""
    frames = clean_frames()
    _drop("allocation", 23, 24)(frames)
    of_list = [r for r in rules_of(trial) if r.dimension == "randomisation"]
    assert all(f.passed for f in judge(read_forms(frames, trial), trial, of_list))


def test_a_fault_of_the_list_leaves_everybody_in(trial: Trial) -> None:
    """Who was randomised is analysed; the fault, and an ineligible participant, are critical queries."""
    frames = clean_frames()
    for mistake in (
        "a block of three",
        "somebody randomised who is too young",
        "a finished block out of ratio",
    ):
        MISTAKES[mistake][0](frames)
    forms = read_forms(frames, trial)
    verdict = verdict_of(forms, trial, judge(forms, trial, rules_of(trial)))
    assert not verdict.withheld
    assert len(verdict.quarantine) == 0
    critical = set(verdict.queries.loc[verdict.queries["severity"] == "critical", "rule"])
    assert {"allocation.randomisation.block_size", "participants.eligibility.age"} <= critical


def test_who_was_not_randomised_need_not_be_eligible(trial: Trial) -> None:
    """That is what screening is for."""
    frames = clean_frames()
    _set("participants", "age", (24, 17))(frames)
    _drop("allocation", 24)(frames)
    assert _judge_one("participants.eligibility.age", frames, trial).passed


def test_a_value_that_is_impossible_is_asked_about_once(trial: Trial) -> None:
    """An age of 217 breaks its range; that it is not eligible either is no second question."""
    frames = clean_frames()
    _set("participants", "age", (4, 217))(frames)
    assert _judge_one("participants.eligibility.age", frames, trial).passed
    assert not _judge_one("participants.range.age", frames, trial).passed


@pytest.mark.parametrize(("today", "overdue"), [(date(2024, 11, 5), ()), (date(2024, 11, 9), (4,))])
def test_a_visit_is_overdue_the_day_after_its_window(
    today: date, overdue: tuple[int, ...], trial: Trial
) -> None:
    """P4 was randomised on 13 January; the window closes 300 days later, on 8 November."""
    frames = clean_frames()
    _drop("scores", 8)(frames)
    assert _judge_one("allocation.completeness.scores.m9", frames, trial, today=today).rows == overdue


def test_who_was_withdrawn_is_not_waited_for(trial: Trial) -> None:
    """A site that has recorded why there is no visit has answered already."""
    frames = clean_frames()
    _drop("scores", 8)(frames)
    left = pd.DataFrame({"participant": ["P4"], "left": [pd.Timestamp("2024-05-01")]})
    frames["withdrawals"] = _numbered(left)
    assert _judge_one("allocation.completeness.scores.m9", frames, trial).passed


def test_a_missing_code_that_is_a_legal_value_is_pointed_out(trial: Trial) -> None:
    """99 may be a score: nobody can tell afterwards. -1 can't, and is not mentioned."""
    frames = clean_frames()
    why = pd.DataFrame({"code": pd.Series(["not known", "refused"], index=[2, 3])}).reindex(range(1, N + 1))
    forms = read_forms(frames, trial, {"participants": why})
    rules = [r for r in rules_of(trial) if r.id == "participants.code.code.missing"]
    (finding,) = judge(forms, trial, rules)
    assert (finding.rows, finding.rule.severity) == ((2,), "warning")
    assert "refused" not in finding.rule.message


def test_a_column_that_says_nothing_is_named(trial: Trial) -> None:
    """An export that lost a column still has its header."""
    frames = clean_frames()
    _set("scores", "pain", *((row, None) for row in range(1, 2 * N + 1)))(frames)
    frames["scores"]["sleep"] = 4.0
    forms = read_forms(frames, trial)
    rules = [r for r in rules_of(trial) if r.id == "scores.pattern.silent"]
    (query,) = verdict_of(forms, trial, judge(forms, trial, rules)).queries.to_dict("records")
    assert (query["field"], query["severity"]) == ("sleep, pain", "info")


def test_an_own_rule_speaks_in_its_own_words_to_its_own_owner(trial: Trial) -> None:
    """It is the trial's, not ours."""
    (rule,) = [r for r in rules_of(trial) if r.id == "scores.written.ended_after_start"]
    assert rule.message.startswith("An illness must end after it was seen. Check the dates. ")
    assert (rule.owner, rule.effect) == ("safety officer", "query")


def test_a_trial_may_have_rules_in_python(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two columns can't say has its place too."""

    def sites_named(form, _):
        if form.name == "allocation":
            yield Must(
                dimension="written", check="in_set", columns=("site",), about="north", severity="info",
                sentence="North only.", remedy="None.", arguments={"values": ("N",)},
            ).on(form)  # fmt: skip

    monkeypatch.setattr(by_trial, "BY_TRIAL", {"small": (sites_named,)})
    finding = _judge_one("allocation.written.north", clean_frames(), trial)
    assert len(finding.rows) == N // 2


def test_rules_that_would_tell_an_arm_say_so(trial: Trial) -> None:
    """While a trial is blinded these are not shown by participant."""
    telling = {rule.id for rule in rules_of(trial) if rule.reveals_allocation}
    assert telling == {
        "allocation.allocation.arm",
        "allocation.allocation.one_arm",
        "allocation.randomisation.block_ratio",
        "allocation.randomisation.balance",
    }
