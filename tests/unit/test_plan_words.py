"""Mistakes in a trial file: each once, in words of TOML."""

import pytest

from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

DEMO = (SHIPPED_TRIALS / "demo.toml").read_text(encoding="utf-8")
CODE = "a code: a letter first, then letters, digits and underscores only"
TABLE = "a table: a [heading] with keys below it, or { key = value }"
LIST = "a list, in square brackets: [first, second]"
FLAG = "true or false, without quotation marks"


def problems(tmp_path, right, wrong):
    assert right in DEMO
    (tmp_path / "own.toml").write_text(DEMO.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(tmp_path / "own.toml")
    return {p.where.removeprefix("own.toml, "): (p.found, p.expected) for p in caught.value.problems}


@pytest.mark.parametrize(
    ("right", "wrong", "key", "found", "expected"),
    [
        ('code = "UC"', 'code = "U C!"', "arms.0.code", "'U C!'", CODE),
        ("month = 9\n", 'month = "nine"\n', "visits.1.month", "'nine'", "a number"),
        ("month = 9\n", "month = [9]\n", "visits.1.month", "a list", "a number"),
        ("seed = ", "seed = -1 # ", "seed", "-1", "0 or more"),
        ("seed = ", 'seed = "a" # ', "seed", "'a'", "a whole number"),
        ("seed = ", "seed = 1.5 # ", "seed", "1.5", "a whole number"),
        ('role = "primary"', 'role = "primary"\nconfidence = 1.0', "analyses.primary.confidence", "1.0",
         "a number below 1.0"),
        ('role = "primary"', 'role = "primary"\nconfidence = 0.1', "analyses.primary.confidence", "0.1",
         "a number above 0.5"),
        ('role = "primary"', 'role = "first"', "analyses.primary.role", "'first'",
         "'primary', 'cross-check', 'secondary', 'sensitivity' or 'moderator'"),
        ("synthetic = true", 'synthetic = "perhaps"', "synthetic", "'perhaps'", FLAG),
        ('title = "', "title = true # ", "title", "true", 'a text, in quotation marks: "like this"'),
        ('key = ["participant"]', 'key = "participant"', "forms.participants.key", "'participant'", LIST),
        ("[night]", "[nigth]", "nigth", "a key that means nothing here",
         "one of the documented keys (is it misspelt?)"),
        ('label = "Usual', 'lable = "Usual', "arms.0.label", "nothing", "this key (it is required)"),
        ('role = "primary"', 'role = "primary"\n[analyses.primary.random]\na = 1', "analyses.primary.random",
         "a table", LIST),
    ],
)  # fmt: skip
def test_the_words_of_each_kind_of_mistake(tmp_path, right, wrong, key, found, expected):  # noqa: PLR0917
    """A statistician has not heard of tuples and parsing."""
    assert problems(tmp_path, right, wrong)[key] == (found, expected)


@pytest.mark.parametrize(
    ("right", "wrong", "key", "remedy"),
    [
        ('label = "Usual', 'lable = "Usual', "arms.0.lable", "Did you mean `label`?"),
        ("[night]", "[nigth]", "nigth", "Did you mean `night`?"),
        ("[night]", "[night]\nqqq = 1", "night.qqq", "Correct it, or take it out."),
        ("participant = { source", "participant = { souce", "forms.participants.columns.participant.souce",
         "Did you mean `source`?"),
        ('role = "primary"', 'role = "primary"\nclouse = "SAP 1"', "analyses.primary.clouse", "Did you mean `clause`?"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_told_its_nearest(tmp_path, right, wrong, key, remedy):
    """In a table, in a list of tables, and in a table of tables."""
    assert DEMO.replace(right, wrong, 1) != DEMO
    (tmp_path / "own.toml").write_text(DEMO.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(tmp_path / "own.toml")
    assert {p.where: p.remedy for p in caught.value.problems}[f"own.toml, {key}"] == remedy


def test_a_value_where_a_table_belongs(tmp_path):
    """The commonest mistake of somebody new to TOML."""
    (tmp_path / "own.toml").write_text('night = "at two"\nforms = 1\narms = []\n', encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(tmp_path / "own.toml")
    told = {p.where: (p.found, p.expected) for p in caught.value.problems}
    assert told["own.toml, night"] == ("'at two'", TABLE)
    assert told["own.toml, forms"] == ("1", TABLE)
    assert told["own.toml, arms"] == ("an empty list", "at least 2 of them")


def test_a_mistake_inside_a_list_is_not_one_of_the_list_too(tmp_path):
    """Whoever mends the first would look for the second in vain."""
    assert set(problems(tmp_path, 'code = "UC"', 'code = "U C!"')) == {"arms.0.code"}


def test_no_word_of_pydantics_own(tmp_path):
    """All at once, as somebody meets them."""
    text = 'title = 1\nseed = "x"\nsynthetic = 5\nforms = []\nvisits = 3\n[[arms]]\ncode = 7\n'
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_trial(tmp_path / "own.toml")
    for word in ("tuple", "dict", "Input", "valid", "parse", "mapping", "pattern"):
        assert word not in str(caught.value)
