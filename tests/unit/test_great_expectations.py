"""How Great Expectations is used: our conditions are its own, nothing is sent, its suites go where they should."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from assets.contract_checks import SUBJECTS
from data_contracts.checking_frame import checking_frame, without_records
from data_contracts.column_conditions import among, unrepeated, within, without
from data_contracts.data_docs import TITLES
from data_contracts.evidence import Evidence
from data_contracts.expectations import BUILDERS
from data_contracts.forms import ReadForm
from data_contracts.helper_columns import HELPERS
from data_contracts.judge import judge, load, save_suites
from data_contracts.judged import judged
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Trial
from data_contracts.suites import rules_of

# Great Expectations imports modules that Python has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning")

# What a plain Great Expectations says of each column, without this package: (argument values) -> unexpected rows.
PLAIN = """
import json, sys
import great_expectations as gx, great_expectations.expectations as gxe, pandas as pd
frame = pd.read_parquet(sys.argv[1])
context = gx.get_context(mode="ephemeral")
batches = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
batch = batches.get_batch(batch_parameters={"dataframe": frame})
asked = [
    gxe.ExpectColumnValuesToBeBetween(column="number", min_value=0.5, max_value=3),
    gxe.ExpectColumnValuesToBeBetween(column="whole", max_value=1),
    gxe.ExpectColumnValuesToBeInSet(column="text", value_set=["a", "SRT"]),
    gxe.ExpectColumnValuesToBeInSet(column="whole", value_set=[0, 2]),
    gxe.ExpectColumnValuesToBeUnique(column="text"),
    gxe.ExpectColumnValuesToNotMatchRegex(column="text", regex="(?i)(?<!\\\\w)srt(?!\\\\w)"),
]
found = [batch.validate(one, result_format="COMPLETE").result["unexpected_index_list"] or [] for one in asked]
print(json.dumps([[int(row) for row in rows] for rows in found]))
assert "data_contracts" not in sys.modules
"""


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load_trial(find_trial("demo"))


@pytest.mark.slow
def test_our_conditions_are_those_of_great_expectations(tmp_path: Path) -> None:
    """They take the place of its own in this process, so they must find what those find; here on random columns."""
    rng = np.random.default_rng(7)
    n = 300
    frame = pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.2, np.nan, np.round(rng.normal(1, 2, n), 1)),
            "whole": pd.array(rng.integers(0, 4, n), dtype="Int64"),
            "text": pd.array(rng.choice(["a", "b", "SRT", "the srt.", "srtx", None], n), dtype="str"),
        }
    )
    frame.loc[rng.choice(n, 40), "whole"] = pd.NA
    frame.loc[5:250, "text"] = [f"t{i}" for i in range(246)]
    frame.to_parquet(tmp_path / "frame.parquet")
    command = [sys.executable, "-W", "ignore", "-c", PLAIN, str(tmp_path / "frame.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    ours = [
        within(frame["number"], 0.5, 3),
        within(frame["whole"], None, 1),
        among(frame["text"], ["a", "SRT"]),
        among(frame["whole"], [0, 2]),
        unrepeated(frame["text"]),
        without(frame["text"], r"(?i)(?<!\w)srt(?!\w)"),
    ]
    assert [list(frame.index[~holds]) for holds in ours] == json.loads(done.stdout.splitlines()[-1])


def test_judging_opens_no_connection(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads which data is nobody's business, and closed networks make such calls wait."""
    tried: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: tried.append(address) or [])
    load()
    judge(_empty(trial), trial, rules_of(trial))
    assert tried == []


def test_a_failure_of_one_kind_does_not_disturb_the_others(trial: Trial) -> None:
    """Great Expectations fills in the format of results as it goes, and knows a metric by that format."""
    forms = _empty(trial)
    allocation = forms["allocation"]
    grown = allocation.values.reindex(pd.RangeIndex(1, 31, name="row")).assign(participant="P1", arm="ZZ")
    forms["allocation"] = ReadForm(
        "allocation", grown, pd.DataFrame(index=grown.index), allocation.unreadable, allocation.source
    )
    rules = [r for r in rules_of(trial) if r.form == "allocation"]
    findings = judge(forms, trial, sorted(rules, key=lambda rule: rule.check == "varied"))
    assert [f.rule.id for f in findings if f.error] == []
    assert {"allocation.allocation.arm", "allocation.pattern.silent"} <= {
        f.rule.id for f in findings if not f.passed
    }


@pytest.mark.slow
def test_the_saved_suites_are_great_expectations_own(trial: Trial, tmp_path: Path) -> None:
    """A unit that works with Great Expectations loads and runs them without srt, by their checkpoints."""
    files = save_suites(trial, rules_of(trial), tmp_path)
    assert {path.stem for path in files} == set(trial.forms)
    program = f"""
import sys
import great_expectations as gx, pandas as pd
context = gx.get_context(mode="file", project_root_dir={str(tmp_path)!r})
context.variables.progress_bars = {{"globally": False}}
for checkpoint in context.checkpoints.all():
    print(checkpoint.name, len(checkpoint.validation_definitions[0].suite.expectations))
checkpoint = context.checkpoints.get("withdrawals")
frame = pd.DataFrame({{"participant": ["P1"], "withdrawn": ["x"], "kind": ["moved"], "reason": [None]}})
print("ran", checkpoint.run(batch_parameters={{"dataframe": frame}}).success, "data_contracts" in sys.modules)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout.splitlines()
    counts = {line.split()[0]: int(line.split()[1]) for line in told if "ran" not in line}
    assert counts == {name: sum(r.form == name for r in rules_of(trial)) for name in trial.forms}
    assert "ran False False" in told


def test_records_counted_and_not_listed_are_an_error(trial: Trial) -> None:
    """A list that is short would let bad records through under a rule that failed."""
    rule = next(r for r in rules_of(trial) if r.check == "between")
    told = {"element_count": 9, "missing_count": 0, "unexpected_count": 3, "unexpected_index_list": [4, 2]}
    answer = SimpleNamespace(success=False, result=told, exception_info={})
    (finding,) = judged((rule,), {rule.id: answer}, 9).findings
    assert "counted other records" in finding.error


def test_every_check_has_its_expectation_and_every_dimension_its_place(trial: Trial) -> None:
    """A dimension that no asset check takes would be judged and never shown."""
    rules = rules_of(trial)
    assert {rule.check for rule in rules} <= set(BUILDERS)
    assert set(HELPERS) <= set(BUILDERS)
    taken = [dimension for dimensions, _ in SUBJECTS.values() for dimension in dimensions]
    assert sorted(taken) == sorted(TITLES)
    assert {rule.dimension for rule in rules} <= set(TITLES)


def test_the_checking_frame_of_no_records_has_every_column(trial: Trial) -> None:
    """That is what a saved suite is made from."""
    evidence = Evidence.of(_empty(trial), trial)
    for name, form in trial.forms.items():
        rules = tuple(rule for rule in rules_of(trial) if rule.form == name)
        frame = checking_frame(name, evidence, rules)
        assert len(frame) == 0
        assert set(trial.columns_of(form)) <= set(frame.columns)


def _empty(trial: Trial) -> dict[str, ReadForm]:
    return {name: without_records(trial, form) for name, form in trial.forms.items()}
