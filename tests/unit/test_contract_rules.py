"""Each subject of the contract: a bad record is found and a good one is not."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pandas as pd
import pytest

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.judge import judge
from data_contracts.load import load_trial
from data_contracts.rules import Finding
from data_contracts.spec import Trial
from data_contracts.suites import rules_of

# Great Expectations imports modules that Python has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning")

TRIAL = """
title = "Tiny"
description = "A trial with a column for each rule."
plan_version = "1"
seed = 1
primary_estimand = "e"
unblinding_words = ["SRT", "control group"]
dates_in_order = [["allocation.randomised_on", "sessions.held"], ["hours.seen", "withdrawals.left"]]
arms = [{ code = "UC", label = "Usual care", reference = true }, { code = "SRT", label = "SRT", therapy = true }]
sites = [{ code = "N", label = "North" }, { code = "S", label = "South" }]

[[visits]]
code = "base"
label = "Baseline"
month = 0
window = [-30, 0]
baseline = true

[[visits]]
code = "m9"
label = "9 months"
month = 9
window = [240, 300]

[forms.participants]
label = "Participants"
kind = "participants"
file = "p.csv"
format = "csv"
key = ["participant"]
[forms.participants.columns]
participant = { type = "text", required = true }
age = { type = "integer", label = "Age", range = [16, 35], severity = "critical" }
sex = { type = "category", labels = { F = "Female", M = "Male" }, required = true }
height = { type = "number", range = [100, 220] }

[forms.allocation]
label = "Allocation"
kind = "allocation"
file = "a.csv"
format = "csv"
key = ["participant"]
date = "randomised_on"
[forms.allocation.columns]
participant = { type = "text" }
randomised_on = { type = "date", format = "%Y-%m-%d", severity = "critical" }
arm = { type = "text" }
site = { type = "text" }

[forms.hours]
label = "Hours"
kind = "visits"
file = "h.csv"
format = "csv"
key = ["participant", "visit"]
date = "seen"
totals = { total = ["work", "sport"] }
[forms.hours.columns]
participant = { type = "text" }
visit = { type = "text" }
seen = { type = "date", format = "%Y-%m-%d" }
work = { type = "number", range = [0, 168] }
sport = { type = "number", range = [0, 168] }
total = { type = "number", range = [0, 168] }
ucla_total = { type = "integer", severity = "critical" }
note = { type = "text", free_text = true }
[forms.hours.instruments]
ucla3 = { prefix = "ucla", total = "ucla_total" }

[forms.diary]
label = "Diary"
kind = "visits"
file = "d.csv"
format = "csv"
key = ["participant", "written"]
date = "written"
[forms.diary.columns]
participant = { type = "text" }
written = { type = "date", format = "%Y-%m-%d" }

[forms.sessions]
label = "Sessions"
kind = "sessions"
file = "s.csv"
format = "csv"
key = ["participant", "number"]
may_be_empty = true
[forms.sessions.columns]
participant = { type = "text" }
number = { type = "integer" }
held = { type = "date", format = "%Y-%m-%d" }

[forms.withdrawals]
label = "Withdrawals"
kind = "withdrawals"
file = "w.csv"
format = "csv"
key = ["participant"]
may_be_empty = true
required = false
[forms.withdrawals.columns]
participant = { type = "text" }
left = { type = "date", format = "%Y-%m-%d" }

[outcomes.total]
label = "Hours"
form = "hours"
column = "total"
better = "higher"
[populations.all]
label = "All"
[estimands.e]
label = "E"
clause = "1"
treatment = "SRT against UC"
population = "all"
outcome = "total"
visit = "m9"
summary = "difference in means"
intercurrent_events = [{ event = "stopping", strategy = "treatment policy" }]
[analyses.primary]
label = "Model"
estimand = "e"
estimator = "lmm"
role = "primary"
"""

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    path = tmp_path_factory.mktemp("trial") / "tiny.toml"
    path.write_text(TRIAL, encoding="utf-8")
    return load_trial(path)


def clean_frames() -> Frames:
    """Return data without a mistake: four participants, P1 and P3 in the therapy arm."""
    people = [f"P{i}" for i in range(1, 5)]
    hours = [
        (p, visit, seen) for p in people for visit, seen in (("base", "2024-01-05"), ("m9", "2024-10-06"))
    ]
    frames = {
        "participants": pd.DataFrame(
            {"participant": people, "age": [16, 20, 35, None], "sex": list("FMFM"), "height": [170.0] * 4}
        ),
        "allocation": pd.DataFrame(
            {
                "participant": people,
                "randomised_on": "2024-01-10",
                "arm": ["SRT", "UC"] * 2,
                "site": list("NSNS"),
            }
        ),
        "hours": pd.DataFrame(hours, columns=["participant", "visit", "seen"]).assign(
            work=2.5,
            sport=0.1,
            total=2.6,
            ucla_total=6,
            note="Was glad to go out.",
            ucla3_1=1,
            ucla3_2=2,
            ucla3_3=3,
        ),
        "diary": pd.DataFrame({"participant": people, "written": "2024-10-01"}),
        "sessions": pd.DataFrame(
            {"participant": ["P1", "P1", "P3"], "number": [1, 2, 1], "held": "2024-02-01"}
        ),
        "withdrawals": pd.DataFrame({"participant": ["P4"], "left": ["2024-12-01"]}),
    }
    return {name: _numbered(frame) for name, frame in frames.items()}


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name=ROW))


DTYPES = {"text": "str", "category": "str", "integer": "Int64", "number": "float64", "date": "datetime64[s]"}


def read_forms(frames: Frames, trial: Trial, **changes: Mapping[str, object]) -> dict[str, ReadForm]:
    """Return frames as a reader would give them; `changes` holds other fields of a form."""
    forms = {}
    for name, frame in frames.items():
        columns = trial.columns_of(trial.forms[name])
        typed = frame.astype({c: DTYPES[columns[c].type] for c in frame.columns})
        fields = {
            "reasons": pd.DataFrame(index=frame.index, columns=frame.columns, dtype="str"),
            "unreadable": pd.DataFrame({"row": [], "column": [], "found": [], "expected": []}),
            "source": SourceFile(f"{name}.csv", "0" * 64, 1, datetime(2025, 1, 1, tzinfo=UTC)),
        }
        forms[name] = ReadForm(name, typed, **(fields | changes.get(name, {})))
    return forms


def _set(form: str, row: int, column: str, value: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[form] = frames[form].astype({column: "object"})
        frames[form].loc[row, column] = value

    return change


def _repeat(form: str, row: int, **other: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        again = frames[form].loc[[row]].assign(**other)
        frames[form] = _numbered(pd.concat([frames[form], again]))

    return change


# What is done to the clean data, and the rule that must find it in which records.
MISTAKES = {
    "a value out of its range": (_set("participants", 1, "age", 217), "participants.range.age", (1,)),
    "a value just outside its range": (_set("participants", 2, "height", 99.999), "participants.range.height", (2,)),
    "a code not declared": (_set("participants", 3, "sex", "X"), "participants.code.sex", (3,)),
    "a required value missing": (_set("participants", 4, "sex", None), "participants.completeness.sex", (4,)),
    "a required value blank": (
        _set("participants", 2, "participant", "  "), "participants.completeness.participant", (2,)),
    "a site not in the plan": (_set("allocation", 1, "site", "East"), "allocation.code.site", (1,)),
    "an arm not in the plan": (_set("allocation", 2, "arm", "WAIT"), "allocation.allocation.arm", (2,)),
    "an arm missing": (_set("allocation", 2, "arm", None), "allocation.completeness.arm", (2,)),
    "a participant in both arms": (_repeat("allocation", 1, arm="UC"), "allocation.allocation.one_arm", (1, 5)),
    "a participant randomised twice": (_repeat("allocation", 1), "allocation.allocation.once", (1, 5)),
    "a record twice": (_repeat("hours", 3), "hours.key.participant+visit", (3, 9)),
    "an item that is no legal answer": (_set("hours", 4, "ucla3_2", 4), "hours.code.ucla3_2", (4,)),
    "a total that is not the sum": (_set("hours", 5, "total", 2.7), "hours.arithmetic.total", (5,)),
    "a questionnaire's total that is not its score": (
        _set("hours", 6, "ucla_total", 9), "hours.arithmetic.ucla_total", (6,)),
    "a visit not in the plan": (_set("hours", 7, "visit", "m10"), "hours.visit.planned", (7,)),
    "a visit a day late": (_set("hours", 2, "seen", "2024-11-06"), "hours.visit.window", (2,)),
    "a visit before its window": (_set("hours", 1, "seen", "2023-12-10"), "hours.visit.window", (1,)),
    "a word that tells the arm": (_set("hours", 8, "note", "Likes (srt)."), "hours.text.note", (8,)),
    "a date in no window": (_set("diary", 2, "written", "2024-06-01"), "diary.visit.assigned", (2,)),
    "a session in the other arm": (_set("sessions", 3, "participant", "P2"), "sessions.allocation.therapy_arm", (3,)),
    "a participant nobody registered": (_set("diary", 1, "participant", "P9"), "diary.reference.participants", (1,)),
    "a registered participant not randomised": (
        _set("allocation", 4, "participant", "P5"), "participants.reference.allocation", (4,)),
    "a session before randomisation": (
        _set("sessions", 2, "held", "2024-01-09"), "sessions.date.allocation.randomised_on-sessions.held", (2,)),
    "a visit after withdrawal": (
        _set("withdrawals", 1, "left", "2024-05-01"), "hours.date.hours.seen-withdrawals.left", (8,)),
}  # fmt: skip


@pytest.fixture(scope="module")
def clean_findings(trial: Trial) -> tuple[Finding, ...]:
    return judge(read_forms(clean_frames(), trial), trial, rules_of(trial))


def _judge_one(rule_id: str, frames: Frames, trial: Trial, **changes: Mapping[str, object]) -> Finding:
    rules = [rule for rule in rules_of(trial) if rule.id == rule_id]
    (finding,) = judge(read_forms(frames, trial, **changes), trial, rules)
    return finding


def test_clean_data_break_no_rule(clean_findings: tuple[Finding, ...]) -> None:
    """A rule that finds fault with good records would train people to ignore it."""
    assert [f.rule.id for f in clean_findings if not f.passed or f.error] == []


def test_every_rule_is_judged_and_named_once(trial: Trial, clean_findings: tuple[Finding, ...]) -> None:
    """Ids are what nights are compared by."""
    ids = [rule.id for rule in rules_of(trial)]
    assert len(set(ids)) == len(ids)
    assert [f.rule.id for f in clean_findings] == ids


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "_"))
def test_the_rule_finds(mistake: str, trial: Trial) -> None:
    """The records that break the rule are named by their row, and no others."""
    change, rule_id, rows = MISTAKES[mistake]
    frames = clean_frames()
    change(frames)
    finding = _judge_one(rule_id, frames, trial)
    assert (finding.passed, finding.rows, finding.error) == (False, rows, "")


def test_an_absent_column_withholds_and_says_nothing_else(trial: Trial) -> None:
    """One mistake, one finding: rules on the column have nothing to check."""
    rules = [r for r in rules_of(trial) if r.form == "hours"]
    forms = read_forms(clean_frames(), trial, hours={"absent_columns": ("visit",)})
    failed = [f for f in judge(forms, trial, rules) if not f.passed]
    assert [(f.rule.id, f.rule.effect, f.rows) for f in failed] == [("hours.schema.visit", "withhold", ())]


def test_an_undeclared_column_is_only_noted(trial: Trial) -> None:
    """Exports carry system columns; they harm nobody."""
    finding = _judge_one(
        "diary.schema.undeclared", clean_frames(), trial, diary={"unknown_columns": ("sys_id",)}
    )
    assert (finding.passed, finding.rule.effect, finding.error) == (False, "note", "")


def test_an_unreadable_cell_is_found_by_the_severity_of_its_column(trial: Trial) -> None:
    """`age` is critical and `height` a warning, so one record is set aside and the other asked about."""
    cells = pd.DataFrame(
        {"row": [2, 3], "column": ["age", "height"], "found": ["old", "tall"], "expected": "a number"}
    )
    rules = [r for r in rules_of(trial) if r.id.startswith("participants.type.")]
    found = judge(read_forms(clean_frames(), trial, participants={"unreadable": cells}), trial, rules)
    assert {f.rule.id: (f.rows, f.rule.effect) for f in found} == {
        "participants.type.critical": ((2,), "quarantine"),
        "participants.type.warning": ((3,), "query"),
    }


def test_a_form_without_records_is_withheld_unless_it_may_be_empty(trial: Trial) -> None:
    """No sessions is possible; no participants is a failed export."""
    empty = {name: frame.iloc[:0] for name, frame in clean_frames().items()}
    failed = [f for f in judge(read_forms(empty, trial), trial, rules_of(trial)) if not f.passed]
    forms = ["participants", "allocation", "hours", "diary"]
    assert [(f.rule.id, f.rule.effect) for f in failed] == [
        (f"{name}.schema.rows", "withhold") for name in forms
    ]


def test_a_form_that_was_not_delivered_has_no_findings(trial: Trial) -> None:
    """Withdrawals may be absent; rules across forms then have nothing to compare."""
    frames = clean_frames()
    del frames["withdrawals"]
    findings = judge(read_forms(frames, trial), trial, rules_of(trial))
    assert all(f.passed for f in findings)
    assert "withdrawals" not in {f.rule.form for f in findings}


def test_a_rule_that_cannot_be_evaluated_is_an_error_without_a_value(trial: Trial) -> None:
    """Great Expectations hides exceptions in its results; taken for a pass, they would open the gate."""
    frames = clean_frames()
    forms = read_forms(frames, trial)
    forms["participants"].values["height"] = "tall"
    rules = [rule for rule in rules_of(trial) if rule.id == "participants.range.height"]
    (finding,) = judge(forms, trial, rules)
    assert not finding.passed
    assert finding.error
    assert "tall" not in finding.error


def test_messages_say_what_must_hold_and_what_to_do(trial: Trial) -> None:
    """A data manager reads them; each has at least a requirement, a remedy and a consequence."""
    for rule in rules_of(trial):
        assert rule.message.count(". ") >= 2, rule.id
