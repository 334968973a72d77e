"""The validation pages: whole without a network, without values, and never half-written."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from data_contracts.data_docs import FormPage, write_docs
from data_contracts.errors import StorageError
from data_contracts.load import find_trial, load_trial
from data_contracts.rules import Finding, Rule
from data_contracts.spec import Trial
from data_contracts.suites import rules_of

FETCHING = {"src", "href", "srcset", "data", "action", "poster"}


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load_trial(find_trial("beat_the_blues"))


def pages_of(trial: Trial) -> list[FormPage]:
    """Return a page per form, with one failure in each."""
    pages = []
    for form in trial.forms.values():
        rules = [rule for rule in rules_of(trial) if rule.form == form.name]
        findings = tuple(Finding(rule, passed=rule != rules[0], rows=()) for rule in rules)
        pages.append(FormPage(form, 100, findings, {"schema": "<table><tr><td>one</td></tr></table>"}))
    return pages


class Addresses(HTMLParser):
    """Collects what a browser would fetch or follow, and the tags met."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in FETCHING]


def addresses(page: Path) -> Addresses:
    parser = Addresses()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def test_the_pages_lead_from_the_index_to_each_form(trial: Trial, tmp_path: Path) -> None:
    """A link in Dagster opens index.html; the rest is reached from there."""
    write_docs(pages_of(trial), trial, tmp_path / "docs")
    assert {p.name for p in (tmp_path / "docs").iterdir()} == {
        "index.html",
        *(f"{name}.html" for name in trial.forms),
    }
    links = set(addresses(tmp_path / "docs" / "index.html").found)
    assert {f"{name}.html" for name in trial.forms} <= links


def test_no_page_fetches_anything(trial: Trial, tmp_path: Path) -> None:
    """Trials units work behind closed networks, and an address that is fetched tells who reads what."""
    write_docs(pages_of(trial), trial, tmp_path / "docs")
    for page in (tmp_path / "docs").iterdir():
        met = addresses(page)
        assert {a for a in met.found if not a.endswith(".html") and not a.startswith("data:,")} == set()
        assert not met.tags & {"script", "iframe", "img"}
        text = page.read_text(encoding="utf-8")
        assert "url(" not in text
        assert "@import" not in text


def test_the_same_findings_give_the_same_bytes(trial: Trial, tmp_path: Path) -> None:
    """Nothing in a page depends on the clock or on chance, so a night without change changes no page."""
    for name in ("one", "two"):
        write_docs(pages_of(trial), trial, tmp_path / name)
    for page in (tmp_path / "one").iterdir():
        assert page.read_bytes() == (tmp_path / "two" / page.name).read_bytes()


def test_the_counts_on_the_index_are_those_of_the_findings(trial: Trial) -> None:
    """An error is critical whatever the rule's severity: the rule has not been checked."""
    rule = Rule("r", "bdi", "text", "no_words", ("bdi",), "info", "note", "Must hold.", "dm")
    findings = (
        Finding(rule, passed=True),
        Finding(rule, passed=False),
        Finding(rule, passed=False, error="TypeError"),
    )
    page = FormPage(trial.forms["bdi"], 3, findings, {})
    assert [page.failed(s) for s in (None, "critical", "warning", "info")] == [2, 1, 0, 1]
    assert page.failed_in("text") == 2


def test_a_form_that_went_leaves_no_page_behind(trial: Trial, tmp_path: Path) -> None:
    """An old page beside new ones would be read as today's."""
    pages = pages_of(trial)
    write_docs(pages, trial, tmp_path / "docs")
    write_docs(pages[:1], trial, tmp_path / "docs")
    assert {p.name for p in (tmp_path / "docs").iterdir()} == {"index.html", "participants.html"}
    assert [p.name for p in tmp_path.iterdir()] == ["docs"]


def test_a_failure_to_write_leaves_the_old_pages(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk must not cost the last good pages, and ends in a sentence that names the folder."""
    write_docs(pages_of(trial), trial, tmp_path / "docs")
    before = (tmp_path / "docs" / "bdi.html").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data_contracts.data_docs.os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_docs(pages_of(trial)[:1], trial, tmp_path / "docs")
    assert (tmp_path / "docs" / "bdi.html").read_bytes() == before


def test_a_crash_between_the_renames_is_mended_by_the_next_writing(trial: Trial, tmp_path: Path) -> None:
    """The old folder stands under its other name then, and comes back even if the writing fails."""
    write_docs(pages_of(trial), trial, tmp_path / "docs")
    (tmp_path / "docs").rename(tmp_path / ".docs.old")
    write_docs(pages_of(trial), trial, tmp_path / "docs")
    assert [p.name for p in tmp_path.iterdir()] == ["docs"]
