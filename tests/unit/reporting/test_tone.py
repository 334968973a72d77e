"""What a report sounds like: that of a trial without an effect, or with a harmful one, uses no word of success."""

import re

import pandas as pd
import pytest

from analysis.reporting.document import make_report
from analysis.reporting.html import render_html

SUCCESS = re.compile(
    r"\b(effective(ness|ly)?|efficac\w*|success\w*|improv\w*|benefi\w*|superior\w*|promising|prove[nsd]?|encouraging"
    r"|favourabl[ey]|gain(s|ed)?|help(s|ed|ful)?|works? for|worked|significantly|which is better|better than)\b",
    re.IGNORECASE,
)
NONE = {"value": 0.1, "lower": -5.1, "upper": 5.4, "p_value": 0.96}
WORSE = {"value": -4.8, "lower": -8.5, "upper": -1.0, "p_value": 0.014}
BETTER = {"value": 7.6, "lower": 1.2, "upper": 14.0, "p_value": 0.021}


@pytest.fixture(scope="module")
def page(trial, answered, content):
    """Return a function: the words of the report of a trial whose every analysis has one answer."""

    def of(answer, **changed):
        results = answered(**{name: {**answer, **changed.get(name, {})} for name in trial.analyses})
        counts = pd.DataFrame(columns=["form", "rows_in", "accepted", "quarantined"]).astype(
            {"rows_in": "int64"}
        )
        findings = pd.DataFrame(columns=["rule", "form", "severity", "effect", "message", "passed"])
        queries = pd.DataFrame(columns=["form", "severity", "state", "n", "oldest_days"])
        made = content(results, counts=counts, findings=findings, queries=queries)
        return words(render_html(make_report(made)))

    return of


def words(page: str) -> str:
    """Return a page's text without its style, its script, and the checklist, which speaks of reports in general."""
    told = page.partition('<section id="checklist"')[0]
    bare = re.sub(r"<(style|script).*?</\1>", " ", told, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))


def _found(said: str) -> list[str]:
    return [said[max(0, m.start() - 40) : m.end() + 20] for m in SUCCESS.finditer(said)]


@pytest.mark.parametrize("answer", [NONE, WORSE], ids=["null", "negative"])
def test_a_report_without_success_uses_no_word_of_it(page, answer):
    """Readers take the tone of a page before its numbers."""
    assert _found(page(answer)) == []


def test_a_report_of_a_better_arm_says_which_is_better(page):
    """So that the list of words can fail at all."""
    assert any("which is better" in found for found in _found(page(BETTER)))


def test_a_trial_without_an_effect_says_what_the_interval_still_holds(page):
    said = page(NONE)
    assert "no clear difference between SRT plus usual care and Usual care" in said
    assert "5.1 hours/week in favour of Usual care to 5.4 hours/week in favour of SRT plus usual care" in said


def test_a_trial_with_a_harmful_effect_says_that_it_is_worse(page):
    assert "was lower, which is worse, with SRT plus usual care" in page(WORSE)


def test_a_tipping_point_of_no_difference_claims_no_conclusion(page):
    """ "The conclusion would change" of a trial that drew none would be wrong."""
    none = {"status": "not estimable", "reason": "not significant without a delta"}
    said = page(NONE, tipping_point=none)
    assert "there is no conclusion to tip" in said
    assert "The conclusion would change" not in said
