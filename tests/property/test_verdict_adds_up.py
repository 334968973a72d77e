"""Whatever the findings, no record is lost or counted twice."""

import hashlib
from collections import Counter
from datetime import UTC, datetime

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.load import find_trial, load_trial
from data_contracts.rules import Finding, Rule
from data_contracts.verdict import verdict_of

TRIAL = load_trial(find_trial("beat_the_blues"))
FORMS = ("participants", "bdi")


@st.composite
def judged(draw: st.DrawFn) -> tuple[dict[str, ReadForm], list[Finding]]:
    """Return two forms of any length, and findings of any effect on any of their rows."""
    forms = {
        name: _form(name, draw(st.lists(st.sampled_from(["A", "B", None]), max_size=8))) for name in FORMS
    }
    findings = draw(st.lists(st.sampled_from(FORMS).flatmap(lambda name: _findings(forms[name])), max_size=6))
    return forms, findings


def _form(name: str, people: list[str | None]) -> ReadForm:
    index = pd.RangeIndex(1, len(people) + 1, name=ROW)
    values = pd.DataFrame({"participant": pd.array(people, dtype="str"), "bdi": 1.0}, index=index)
    unreadable = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
    source = SourceFile(f"{name}.sav", "0" * 64, 1, datetime(2024, 1, 1, tzinfo=UTC))
    return ReadForm(name, values, pd.DataFrame(index=index), unreadable, source)


def _findings(form: ReadForm) -> st.SearchStrategy[Finding]:
    rows = list(form.values.index)
    some = st.sets(st.sampled_from(rows)).map(lambda s: tuple(sorted(s))) if rows else st.just(())
    rule = st.builds(
        Rule,
        id=st.sampled_from(["r1", "r2"]),
        form=st.just(form.name),
        dimension=st.sampled_from(["range", "key"]),
        check=st.sampled_from(["between", "unique", "not_missing"]),
        columns=st.just(("bdi",)),
        severity=st.sampled_from(["critical", "warning", "info"]),
        effect=st.sampled_from(["withhold", "quarantine", "query", "note"]),
        message=st.just("Must hold."),
        owner=st.just("dm"),
    )
    return st.builds(
        Finding, rule=rule, passed=st.booleans(), rows=some, error=st.sampled_from(["", "", "KeyError"])
    )


@given(judged())
def test_records_in_are_accepted_or_set_aside(drawn: tuple[dict[str, ReadForm], list[Finding]]) -> None:
    """The flow chart starts from these counts."""
    forms, findings = drawn
    verdict = verdict_of(forms, TRIAL, findings)
    for name, form in forms.items():
        accepted = set(verdict.accepted[name].index)
        aside = set(verdict.quarantine.loc[verdict.quarantine["form"] == name, "row"])
        assert accepted | aside == set(form.values.index)
        assert not accepted & aside
    assert (verdict.counts["rows_in"] == verdict.counts["accepted"] + verdict.counts["quarantined"]).all()


@given(judged())
def test_an_id_is_the_hash_of_what_the_query_is_about(
    drawn: tuple[dict[str, ReadForm], list[Finding]],
) -> None:
    """Answers are filed under it for years: another way of computing it must give the same one, query by query."""
    forms, findings = drawn
    queries = verdict_of(forms, TRIAL, findings).queries
    seen = Counter[str]()
    for query in queries.to_dict("records"):
        key = []
        if not pd.isna(query["row"]):
            record = forms[query["form"]].values.loc[query["row"]]
            key = [_text(record.get(name)) for name in TRIAL.forms[query["form"]].key]
        who, visit = query["participant"], query["visit"]
        about = "\x1f".join([TRIAL.name, query["form"], who, visit, *key, query["field"], query["rule"]])
        seen[about] += 1
        digest = hashlib.sha256(f"{about}\x1f{seen[about]}".encode()).hexdigest()
        assert query["query_id"] == digest[:12]


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


@given(judged())
def test_the_records_set_aside_are_those_of_rules_that_set_aside(
    drawn: tuple[dict[str, ReadForm], list[Finding]],
) -> None:
    """Each with every rule it broke, and no record for a doubt alone."""
    forms, findings = drawn
    verdict = verdict_of(forms, TRIAL, findings)
    broken: dict[tuple[str, int], list[str]] = {}
    for f in findings:
        for row in f.rows if not f.passed and f.rule.effect in {"quarantine", "withhold"} else ():
            broken.setdefault((f.rule.form, row), []).append(f.rule.id)
    told = {(q.form, q.row): q.rule.split("; ") for q in verdict.quarantine.itertuples()}
    assert told == broken


@given(judged())
def test_each_failure_is_asked_about_under_its_own_id(
    drawn: tuple[dict[str, ReadForm], list[Finding]],
) -> None:
    """One question per failing record or form, and no id twice."""
    forms, findings = drawn
    verdict = verdict_of(forms, TRIAL, findings)
    failed = [f for f in findings if not f.passed and not f.error]
    assert len(verdict.queries) == sum(max(len(f.rows), 1) for f in failed)
    assert verdict.queries["query_id"].is_unique
    emptied = any(len(form.values) and verdict.accepted[name].empty for name, form in forms.items())
    assert verdict.withheld == emptied | any(
        not f.passed and bool(f.error or f.rule.effect == "withhold") for f in findings
    )
