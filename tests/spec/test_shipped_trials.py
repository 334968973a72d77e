"""The trial files that are shipped: each loads, and the demonstration trials share one plan."""

import shutil

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

NAMES = sorted(path.stem for path in SHIPPED_TRIALS.glob("*.toml"))
DEMOS = ("demo", "demo_null", "demo_negative")
SETTINGS = {"social isolation", "comprehensive plan", "transition from hospital", "substance use"}


def _shipped(name):
    return load_trial(SHIPPED_TRIALS / f"{name}.toml")


@pytest.fixture
def demo_copy(tmp_path):
    """A folder with a copy of demo.toml, to be extended there."""
    shutil.copy(SHIPPED_TRIALS / "demo.toml", tmp_path)
    return tmp_path


def _write(folder, text, name="mine"):
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_trial_loads_under_the_name_of_its_file(name):
    """What is shipped is also the example that people copy."""
    trial = _shipped(name)
    assert trial.name == name
    assert len(trial.plan_hash) == 64


def test_the_four_trials_of_the_design_are_shipped():
    """Their names are fixed by the commands that use them."""
    assert set(NAMES) == {*DEMOS, "beat_the_blues"}


@pytest.mark.parametrize("name", DEMOS[1:])
def test_a_demonstration_trial_differs_from_demo_in_its_title_and_seed_only(name):
    """The three show one plan on three truths; a plan of its own would be another trial."""
    own = {"name", "title", "description", "seed", "plan_hash"}
    demo, other = _shipped("demo").model_dump(), _shipped(name).model_dump()
    assert {key for key in demo if demo[key] != other[key]} == own


def test_the_tipping_points_of_demo_are_looked_for_in_both_directions():
    """Where SRT does harm the conclusion tips the other way: that of demo_negative lay off the map."""
    (tipping,) = (a.tipping for a in _shipped("demo").analyses.values() if a.tipping)
    assert sorted(-delta for delta in tipping.deltas) == sorted(tipping.deltas)


def test_each_setting_of_the_therapy_has_a_moderator_and_a_secondary_outcome():
    """SRT is used in four settings; a pipeline that carries three is unfinished."""
    demo = _shipped("demo")
    analysed = {demo.estimands[a.estimand].outcome for a in demo.analyses.values() if a.role == "secondary"}
    assert {m.setting for m in demo.moderators.values()} == SETTINGS
    assert {demo.outcomes[name].setting for name in analysed} - {
        ""
    } == SETTINGS  # "" is made from the primary


def test_every_estimand_of_demo_names_at_least_three_intercurrent_events():
    """An estimand without them says nothing about those who stop therapy."""
    events = {name: len(e.intercurrent_events) for name, e in _shipped("demo").estimands.items()}
    assert min(events.values()) >= 3


def test_no_missing_code_of_a_shipped_trial_is_a_legal_value():
    """88 and 99 are legal PSP ratings: a code inside the range would erase them."""
    for name in NAMES:
        trial = _shipped(name)
        for form in trial.forms.values():
            for column in trial.columns_of(form).values():
                if column.range is not None:
                    low, high = column.range
                    assert not any(low <= float(code) <= high for code in column.missing), column.name


def test_a_trial_that_extends_another_takes_over_its_plan(demo_copy):
    """Three copies of one plan would drift apart."""
    trial = load_trial(_write(demo_copy, 'extends = "demo"\ntitle = "Mine"\nseed = 7'))
    assert (trial.name, trial.title, trial.seed) == ("mine", "Mine", 7)
    assert trial.estimands == _shipped("demo").estimands


def test_the_plan_hash_covers_the_file_that_is_extended(demo_copy):
    """A change of the plan must show in every trial that uses it."""
    path = _write(demo_copy, 'extends = "demo"\nseed = 7')
    before = load_trial(path).plan_hash
    base = demo_copy / "demo.toml"
    base.write_text(base.read_text(encoding="utf-8") + "# later\n", encoding="utf-8")
    assert load_trial(path).plan_hash != before


def test_mistakes_of_the_extended_file_are_reported_under_its_own_name(demo_copy):
    """Whoever is sent to the wrong file looks in vain."""
    base = demo_copy / "demo.toml"
    base.write_text(base.read_text(encoding="utf-8").replace("seed = ", "sead = "), encoding="utf-8")
    with pytest.raises(PlanError) as error:
        load_trial(_write(demo_copy, 'extends = "demo"\nseed = 7'))
    assert {problem.where for problem in error.value.problems} == {"demo.toml, seed", "demo.toml, sead"}


def test_all_mistakes_of_the_extending_file_are_reported_at_once_under_its_name(demo_copy):
    """A table can't be replaced in part, so it can't be replaced at all."""
    text = """extends = "demo"
seed = -1
primary_estimand = "nothing"
strata = ["site"]
[outcomes.loneliness]
label = "x"
"""
    with pytest.raises(PlanError) as error:
        load_trial(_write(demo_copy, text))
    wheres = [problem.where for problem in error.value.problems]
    keys = {"strata", "outcomes", "primary_estimand", "seed"}
    assert keys <= {where.removeprefix("mine.toml, ").split(".")[0] for where in wheres}
    assert all(where.startswith("mine.toml") for where in wheres)


@pytest.mark.parametrize("base", ['"nobody"', '"mine"', "3", '["demo"]'])
def test_extending_no_known_trial_is_a_plan_error(demo_copy, base):
    """A trial may not extend itself either: that would never end."""
    with pytest.raises(PlanError) as error:
        load_trial(_write(demo_copy, f"extends = {base}\nseed = 7"))
    assert error.value.problems[0].where == "mine.toml, extends"


def test_a_trial_can_not_extend_one_that_extends_another(demo_copy):
    """One level: whoever reads a plan opens two files at most."""
    _write(demo_copy, 'extends = "demo"\nseed = 7', name="middle")
    with pytest.raises(PlanError, match=r"middle\.toml, which itself extends"):
        load_trial(_write(demo_copy, 'extends = "middle"\nseed = 8'))
