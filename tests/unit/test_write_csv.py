"""Claims about writing CSV as a form declares it, and cells for people. Not here: which files are exported."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_contracts.errors import PlanError
from data_contracts.readers import read_trial
from data_contracts.spec import Trial
from data_contracts.writers.cells import neutralised
from data_contracts.writers.export import export_form

ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
FRAME = pd.DataFrame({"site": ["Zürich", "=1+1", "a;b,c\td"], "hours": [12.5, -1234.0, 0.1 + 0.2]})


def trial_with(**marks: Any) -> Trial:
    """Return a trial with one form of text and numbers, written with the given marks."""
    columns = {"site": {"type": "text"}, "hours": {"type": "number"}}
    form = {"label": "", "kind": "visits", "format": "csv", "file": "f.csv", "key": [], "columns": columns}
    forms = {"f": {**form, **marks}}
    return Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": forms, **EMPTY})


@pytest.mark.parametrize(
    "marks",
    [
        {},
        {"delimiter": ";", "decimal": ","},
        {"delimiter": ";", "decimal": ",", "thousands": ".", "encoding": "cp1252"},
        {"delimiter": "\t", "encoding": "utf-16"},
        {"file": "f.tsv"},
        {"decimal": ","},
    ],
)
def test_a_form_is_written_as_it_is_declared_and_read_back(tmp_path: Path, marks: dict[str, Any]) -> None:
    """What the simulation writes must pass the same strict reader; a formula is data here."""
    trial = trial_with(**marks)
    export_form(FRAME, trial.forms["f"], trial, tmp_path)
    form = read_trial(tmp_path, trial)["f"]
    assert form.values["site"].tolist() == FRAME["site"].tolist()
    assert form.values["hours"].tolist() == FRAME["hours"].tolist()
    assert form.unreadable.empty


def test_an_encoding_that_can_not_hold_the_text_is_told_without_the_text(tmp_path: Path) -> None:
    """Python's own message would show it."""
    trial = trial_with(encoding="ascii")
    with pytest.raises(PlanError, match="'ascii'") as caught:
        export_form(FRAME, trial.forms["f"], trial, tmp_path)
    assert "Z" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=", "-"])
def test_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    """Who opens a listing must not run what a participant, or somebody else, has typed."""
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "1", "a=b", " text", "'=1", "1-2", "München"])
def test_other_text_is_left_as_it_is(text: str) -> None:
    """An apostrophe too many is a wrong value."""
    assert neutralised(text) == text
