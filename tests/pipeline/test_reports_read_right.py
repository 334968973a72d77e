"""The reports of the three demonstration trials and of Beat the Blues, from their exports on: they read right."""

import re

import pytest

from analysis.reporting.checklist_items import DECLARED, DESIGN, HEAD, ITEMS
from data_contracts.load import find_trial, load_trial
from pipelines.cli import __main__ as entry
from pipelines.home import Home

pytestmark = pytest.mark.slow
SIMULATED = ("demo", "demo_null", "demo_negative")
WITHOUT_SUCCESS = ("demo_null", "demo_negative", "beat_the_blues")
SUCCESS = re.compile(
    r"\b(effective(ness|ly)?|efficac\w*|success\w*|improv\w*|benefi\w*|superior\w*|promising|prove[nsd]?|encouraging"
    r"|favourabl[ey]|gain(s|ed)?|help(s|ed|ful)?|works? for|worked|significantly|which is better|better than)\b",
    re.IGNORECASE,
)
VERDICTS = {
    "demo": "was higher, which is better, with SRT plus usual care than with Usual care",
    "demo_null": "no clear difference between SRT plus usual care and Usual care",
    "demo_negative": "was lower, which is worse, with SRT plus usual care than with Usual care",
    "beat_the_blues": "no clear difference between Beat the Blues plus usual care and Usual care",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Each trial's page, as a night wrote it."""
    root = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SRT_HOME", str(root))
        found = {}
        for name in VERDICTS:
            make = "simulate" if name in SIMULATED else "example"
            assert entry.run_command_line([make, name]) == 0
            assert entry.run_command_line(["run", name]) == 0
            found[name] = Home(root).report(name).read_text(encoding="utf-8")
    return found


def _words(page):
    """Return a page's text without its style, its script, and the checklist, which speaks of reports in general."""
    told = page.partition('<section id="checklist"')[0]
    bare = re.sub(r"<(style|script|desc|title).*?</\1>", " ", told, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))


@pytest.mark.parametrize("name", VERDICTS)
def test_the_page_opens_with_what_the_trial_found(pages, name):
    assert VERDICTS[name] in _words(pages[name])


@pytest.mark.parametrize("name", WITHOUT_SUCCESS)
def test_a_report_without_success_uses_no_word_of_it(pages, name):
    """Readers take the tone of a page before its numbers."""
    said = _words(pages[name])
    assert [said[max(0, m.start() - 40) : m.end() + 20] for m in SUCCESS.finditer(said)] == []


@pytest.mark.parametrize("name", VERDICTS)
def test_every_analysis_has_its_method_and_every_clause_its_line(pages, name):
    trial = load_trial(find_trial(name))
    methods = pages[name].partition('<section id="methods"')[2].partition("</section>")[0]
    missing = [a.label for a in trial.analyses.values() if f"<strong>{a.label}.</strong>" not in methods]
    assert missing == []
    clauses = pages[name].partition('<table id="clauses-table"')[2].partition("</table>")[0]
    assert [a.clause for a in trial.analyses.values() if a.clause not in clauses] == []


@pytest.mark.parametrize("name", VERDICTS)
def test_every_link_inside_the_page_leads_somewhere(pages, name):
    """The plan's clauses, the estimand cards and the checklist lead to tables."""
    ids = set(re.findall(r'\bid="([^"]+)"', pages[name]))
    assert {target for target in re.findall(r'href="#([^"]+)"', pages[name]) if target not in ids} == set()


def test_every_place_that_the_checklist_knows_is_in_the_demonstration_s_report(pages):
    """A name that no table has any more would make an item "not produced here" for ever."""
    ids = set(re.findall(r'\bid="([^"]+)"', pages["demo"]))
    titles = set(re.findall(r"<strong>([^<]+)\.</strong>", pages["demo"]))
    places = {place for items in ITEMS.values() for item in items for place in item.places} - set(HEAD)
    places = {DESIGN if place in DECLARED else place for place in places}
    lost = {place for place in places if ":" not in place and place not in ids}
    lost |= {p for p in places if ":" in p and not p.endswith("*") and p.partition(": ")[2] not in titles}
    assert lost == set()
