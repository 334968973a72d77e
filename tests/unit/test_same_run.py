"""A report is made of tables of one run: the same data, plan and code."""

import pytest

from assets.report import INPUTS, same_run
from data_contracts.errors import ContractError
from data_contracts.load import find_trial, load_trial
from data_contracts.tables import Tables

TRIAL = load_trial(find_trial("demo"))
FACTS = {"data_hash": "d1", "plan_hash": "p1", "code_version": "c1", "allocation": "true"}


def inputs(**changed):
    """Return the tables a report is made from, the facts of the checked ones changed."""
    told = dict.fromkeys(INPUTS, FACTS) | {"checked": {**FACTS, **changed}}
    return {name: Tables({}, facts) for name, facts in told.items()}


def test_tables_of_one_run_belong_together():
    same_run(inputs(), TRIAL)


def test_tables_older_than_blinding_are_of_true_arms():
    older = {name: fact for name, fact in FACTS.items() if name != "allocation"}
    same_run({**inputs(), "landing": Tables({}, older)}, TRIAL)


@pytest.mark.parametrize(
    ("fact", "what"),
    [("data_hash", "data"), ("plan_hash", "plan"), ("code_version", "code"), ("allocation", "allocation")],
)
def test_a_table_of_another_run_is_refused_by_name(fact, what):
    """A verdict under an older plan, beside results under this one, would vouch for what it never saw."""
    with pytest.raises(ContractError) as raised:
        same_run(inputs(**{fact: "other"}), TRIAL)
    (problem,) = raised.value.problems
    assert (problem.where, problem.found) == ("demo/checked", f"other {what} than the results'")
