"""What follows from findings: records accepted or set aside, queries, and data withheld."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.load import find_trial, load_trial
from data_contracts.rules import QUERY_COLUMNS, Effect, Finding, Rule
from data_contracts.spec import Trial
from data_contracts.verdict import verdict_of


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load_trial(find_trial("beat_the_blues"))


@pytest.fixture
def forms() -> dict[str, ReadForm]:
    index = pd.RangeIndex(1, 5, name=ROW)
    values = pd.DataFrame(
        {"participant": list("AABB"), "visit": ["pre", "m2"] * 2, "bdi": [10.0, 99.0, None, 2.5]}, index=index
    ).astype({"participant": "str", "visit": "str"})
    reasons = pd.DataFrame({"bdi": [None, None, "refused", None]}, index=index, dtype="str")
    unreadable = pd.DataFrame(
        {"row": [4], "column": ["bdi"], "found": ["2,5 or so"], "expected": ["a number"]}
    )
    source = SourceFile("bdi.sav", "0" * 64, 1, datetime(2024, 1, 1, tzinfo=UTC))
    return {"bdi": ReadForm("bdi", values, reasons, unreadable, source)}


def finding(
    effect: Effect, *rows: int, check: str = "between", columns: tuple[str, ...] = ("bdi",), error: str = ""
) -> Finding:
    severity = {"query": "warning", "note": "info"}.get(effect, "critical")
    dimension = {"not_missing": "completeness", "readable": "type", "unique": "key"}.get(check, "range")
    rule = Rule(
        f"bdi.{dimension}.{effect}",
        "bdi",
        dimension,
        check,
        columns,
        severity,
        effect,
        "Must hold. Mend it.",
        "dm",
    )
    return Finding(rule, passed=False, rows=rows, n_checked=4, error=error)


def test_a_record_is_set_aside_once_with_every_reason(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Counts are of records: two mistakes in one record must not make two of it."""
    verdict = verdict_of(
        forms, trial, [finding("quarantine", 2, 3), finding("quarantine", 2, check="unique")]
    )
    assert verdict.quarantine[["row", "participant", "visit"]].to_numpy().tolist() == [
        [2, "A", "m2"],
        [3, "B", "pre"],
    ]
    assert verdict.quarantine["rule"].tolist() == [
        "bdi.range.quarantine; bdi.key.quarantine",
        "bdi.range.quarantine",
    ]
    assert verdict.counts.to_numpy().tolist() == [["bdi", 4, 2, 2]]
    assert list(verdict.accepted["bdi"].index) == [1, 4]


@pytest.mark.parametrize("effect", ["query", "note"])
def test_a_query_or_note_leaves_the_record_accepted(
    effect: Effect, trial: Trial, forms: dict[str, ReadForm]
) -> None:
    """A doubt is no proof; the value stays until somebody answers."""
    verdict = verdict_of(forms, trial, [finding(effect, 2)])
    assert (len(verdict.accepted["bdi"]), len(verdict.queries), verdict.withheld) == (4, 1, False)


def test_a_breach_of_the_form_withholds_all_and_says_why(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """The reason is shown in Dagster and the terminal, so it holds no value."""
    verdict = verdict_of(forms, trial, [finding("withhold", 2, 4)])
    assert verdict.withheld
    assert verdict.reasons == ("Beck Depression Inventory II (2 records): Must hold. Mend it.",)
    assert list(verdict.quarantine["row"]) == [2, 4]


def test_a_rule_that_could_not_be_judged_withholds(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Unknown is not good: an error in a mere note closes the gate as well."""
    verdict = verdict_of(forms, trial, [finding("note", error="TypeError")])
    assert verdict.withheld
    assert "could not be judged" in verdict.reasons[0]
    assert len(verdict.queries) == 0


def test_a_query_shows_the_value_as_found(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Who answers it sees what the file says: the raw text, or why there is no value."""
    queries = verdict_of(forms, trial, [finding("query", 1, 2, 3, 4)]).queries
    assert list(queries["value"]) == ["10", "99", "missing: refused", "2,5 or so"]
    assert tuple(queries.columns) == QUERY_COLUMNS


def test_an_unreadable_cell_makes_one_query_with_what_was_expected(
    trial: Trial, forms: dict[str, ReadForm]
) -> None:
    """It is missing too, but asking twice about one cell wastes the site's time."""
    found = [
        finding("query", 4, check="readable", columns=("visit", "bdi")),
        finding("query", 4, check="not_missing"),
    ]
    (query,) = verdict_of(forms, trial, found).queries.to_dict("records")
    assert (query["field"], query["value"], query["row"]) == ("bdi", "2,5 or so", 4)
    assert query["message"].endswith("Expected here: a number.")


def test_a_key_is_asked_about_as_a_whole(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """It takes all columns of a key to find the records again."""
    queries = verdict_of(
        forms, trial, [finding("quarantine", 1, check="unique", columns=("participant", "visit"))]
    ).queries
    assert queries[["field", "value"]].to_numpy().tolist() == [["participant, visit", "A, pre"]]


def test_a_breach_of_the_form_is_one_query_without_a_row(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Somebody must act on it too."""
    (query,) = verdict_of(forms, trial, [finding("withhold", check="present")]).queries.to_dict("records")
    assert pd.isna(query["row"])
    assert (query["participant"], query["field"], query["value"]) == ("", "bdi", "")


def test_query_ids_are_unique_and_stay_when_other_records_come(
    trial: Trial, forms: dict[str, ReadForm]
) -> None:
    """Answers are filed under the id: it must be found again tomorrow, when the row has moved."""
    before = verdict_of(forms, trial, [finding("query", 2, 3)]).queries
    form = forms["bdi"]
    moved = pd.concat([form.values.iloc[:1].assign(participant="0"), form.values])
    moved = moved.set_axis(pd.RangeIndex(1, 6, name=ROW))
    later = ReadForm("bdi", moved, form.reasons.reindex(moved.index), form.unreadable.iloc[:0], form.source)
    after = verdict_of({"bdi": later}, trial, [finding("query", 3, 4)]).queries
    assert list(before["query_id"]) == list(after["query_id"])
    assert before["query_id"].is_unique


def test_two_records_with_one_key_have_two_ids(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """A record entered twice is two questions, and an id that two share would lose one."""
    forms["bdi"].values.loc[2, "visit"] = "pre"
    queries = verdict_of(forms, trial, [finding("quarantine", 1, 2, check="unique")]).queries
    assert queries["query_id"].nunique() == 2


def test_nothing_found_gives_empty_typed_tables(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """They are stored each night; a column that changes type would break who reads them."""
    verdict = verdict_of(forms, trial, [])
    assert (len(verdict.queries), len(verdict.quarantine), verdict.withheld) == (0, 0, False)
    assert verdict.queries.dtypes.astype(str).to_dict() == {
        name: "Int64" if name == "row" else "str" for name in QUERY_COLUMNS
    }
    assert str(verdict.quarantine["row"].dtype) == "int64"


def test_a_form_with_nothing_left_withholds_the_data(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Nothing can be analysed; the reason names the rule at fault, not what an estimator makes of it later."""
    verdict = verdict_of(forms, trial, [finding("quarantine", 1, 2, 3, 4), finding("query", 1)])
    assert verdict.withheld
    (reason,) = verdict.reasons
    assert "every record was set aside" in reason
    assert "Must hold." in reason
    assert "leading zeros" in reason


def test_a_query_keeps_the_id_of_earlier_versions(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Whatever becomes of the code: answers given under version 0.1 are found again under this id."""
    queries = verdict_of(forms, trial, [finding("query", 2)]).queries
    assert list(queries["query_id"]) == ["1bdf5bf1df1d"]
