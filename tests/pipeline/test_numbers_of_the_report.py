"""Every number a reader sees in the report is one of the results table, or a count of records, queries or findings."""

import math
import re
from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
from lxml import html

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate
from assets.query_states import query_states
from data_contracts.load import find_trial, load_trial
from pipelines.store import read_tables

NUMBER = re.compile(rf"([<>]?)\s?({numbers.MINUS}|-|\+)?(\d[\d,]*(?:\.\d+)?)")
FIELDS = ("value", "se", "df", "lower", "upper", "p_value", "p_adjusted", "n", "n_observations")
WORDS = (
    "at",
    "reason",
    "method",
    "contrast",
    "unit",
    "visit",
    "analysis",
)  # a number in them is the row's too
IS_WORDS = re.compile(r"(?=.*\d)(?=.*[A-Za-z])|^\d{4}-\d\d-\d\d$", re.DOTALL)
# Tables that show no result, but where files and programs came from: hashes, dates, versions.
OF_THE_RUN = ("facts-table", "sources-table", "packages-table", "reproduce-table")
# Columns that show what the plan declares or a rule says, in tables of results.
DECLARED = {("recruitment-table", "Target"), ("rules-table", "What")}


class Known:
    """What the numbers of a report may be: the rows of the results table by key, and the counts by source."""

    def __init__(self, home, trial):
        stored = home / "store" / trial.name
        checked = read_tables(stored / "checked").frames
        self.rows: dict[str, list[Estimate]] = {}
        for record in read_tables(stored / "results").frames["results"].itertuples(index=False):
            row = Estimate.of(record)
            self.rows.setdefault(row.key, []).append(row)
        asked = query_states(read_tables(stored / "queries"))
        self.counts = dict(_counts(checked["counts"], checked["findings"], asked, trial))
        notes = read_tables(stored / "analysis_set").facts["notes"]  # what was left aside, counted by the hop
        said = {
            text for text in (*_texts(trial.model_dump()), *_composed(trial), *notes) if IS_WORDS.search(text)
        }
        self.words = re.compile("|".join(map(re.escape, sorted(said, key=len, reverse=True))), re.IGNORECASE)

    def without_words(self, text):
        """Return text without the words of the trial file that hold digits, such as a visit's name or a clause."""
        return self.words.sub(" ", text)

    def fault(self, text, source):
        """Return what is wrong with a text that shows numbers; "" when each is one of its sources'."""
        shown = list(NUMBER.finditer(self.without_words(text)))
        if not shown:
            return ""
        if not source:
            return "no source"
        keys = source.split(" ; ")
        if unknown := [key for key in keys if key not in self.rows and key not in self.counts]:
            return f"no row {unknown[0]!r}"
        held = [value for key in keys for value in self._held(key)]
        words = " ".join(self._words(keys))
        wrong = [
            s.group().strip()
            for s in shown
            if not any(_shows(s, v) for v in held) and s.group(3) not in words
        ]
        return f"not in its rows: {wrong}" if wrong else ""

    def _held(self, key):
        yield from self.counts.get(key, ())
        for row in self.rows.get(key, ()):
            found = [getattr(row, name) for name in FIELDS]
            yield from (float(v) for v in found if v is not None)
            yield 100 * row.confidence
            if row.n:
                yield 100 * row.value / row.n
            yield 100 * row.value  # a share that is shown in percent

    def _words(self, keys):
        return (str(getattr(row, name)) for key in keys for row in self.rows.get(key, ()) for name in WORDS)


def _composed(trial) -> Iterator[str]:
    """Yield what the report makes of words and numbers that the trial file declares."""
    yield f"version {trial.plan_version}"
    yield from (f"day {outcome.until_days}" for outcome in trial.outcomes.values())
    yield from (f"p reaches {100 * (1 - one.confidence):.0f}%" for one in trial.analyses.values())


def _texts(of) -> Iterator[str]:
    """Yield every text of a trial file, at whatever depth."""
    if isinstance(of, str | date):
        yield str(of)
    elif isinstance(of, dict):
        for value in of.values():
            yield from _texts(value)
    elif isinstance(of, list | tuple):
        for value in of:
            yield from _texts(value)


def _counts(
    records: pd.DataFrame, findings: pd.DataFrame, asked: pd.DataFrame, trial
) -> Iterator[tuple[str, tuple[float, ...]]]:
    for one in records.itertuples(index=False):
        for column in ("rows_in", "accepted", "quarantined"):
            yield f"records/{one.form}/{column}", (getattr(one, column),)
    for column in ("rows_in", "quarantined"):
        yield f"records/*/{column}", (records[column].sum(),)
    for form in trial.forms:
        for severity in ("critical", "warning", "info"):
            for state in ("open", "answered", "resolved"):
                yield f"queries/{form}/{severity}/{state}", (0,)
    for one in asked.itertuples(index=False):
        yield f"queries/{one.form}/{one.severity}/{one.state}", (one.n,)
        if one.state == "open":
            yield f"queries/{one.form}/{one.severity}/oldest", (one.oldest_days,)
    yield "queries/*/*/open", (asked.loc[asked["state"] == "open", "n"].sum(),)
    for one in findings.itertuples(index=False):
        yield f"findings/{one.rule}/n_failed", (one.n_failed,)
        yield f"findings/{one.rule}/n_checked", (one.n_checked,)
    declared = trial.recruitment
    yield "plan/recruitment/screened", (declared.screened or 0,)
    yield "plan/recruitment/excluded", (sum(declared.excluded.values()), *declared.excluded.values())


def _shows(shown, value):
    """Return whether a printed number is a value to the digits printed; a direction said in words has no sign."""
    bound, sign, digits = shown.groups()
    printed = float(digits.replace(",", ""))
    if math.isnan(value):
        return False
    if bound:
        return value < printed if bound == "<" else value > printed
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2])
    negative = sign in (numbers.MINUS, "-")
    size = -value if negative else (value if sign == "+" else abs(value) if value < 0 and not sign else value)
    return abs(size - printed) <= half * 1.0001


def cells(page):
    """Yield (place, text, source) of each cell of a table that may show a result."""
    for table in page.iter("table"):
        name = table.get("id")
        if name in OF_THE_RUN:
            continue
        heads = [th.text_content().split("  ")[0] for th in table.find("thead")[0]]
        for line in table.find("tbody"):
            at = 0
            for cell in line:
                if cell.tag == "td" and (name, heads[at].split(" ")[0]) not in DECLARED:
                    yield (
                        f"{name}, {line[0].text_content()}, {heads[at]}",
                        cell.text_content(),
                        cell.get("data-source"),
                    )
                at += int(cell.get("colspan", 1))


def others(page):
    """Yield (place, text, source) of the headline, the key figures and the flow charts."""
    for one in page.find_class("headline"):
        yield "headline", " ".join(p.text_content() for p in one.iter("p")), one.get("data-source")
    for one in page.xpath("//dl[@class='figures']//dd"):
        yield "key figure", one.text_content(), one.get("data-source")
    for chart in page.find_class("flow"):
        for one in chart.xpath(".//*[@data-source]"):
            yield "flow", one.text_content(), one.get("data-source")
        bare = " ".join(chart.xpath(".//text()[not(ancestor::*[@data-source])]"))
        yield "flow", bare, None


def faults(page, known):
    """Return every number of the page that can't be traced."""
    found = [
        (place, text, known.fault(text, source)) for place, text, source in (*cells(page), *others(page))
    ]
    return [one for one in found if one[2]]


@pytest.fixture(scope="module", params=["demo", "beat_the_blues"])
def ran(request, home_of):
    """Return a trial's page as its run wrote it, and what its numbers may be."""
    home = home_of(request.param)
    page = (home / "reports" / request.param / "report.html").read_text(encoding="utf-8")
    return html.document_fromstring(page), Known(home, load_trial(find_trial(request.param)))


def test_every_number_of_the_report_is_that_of_the_rows_it_names(ran):
    """A report is trusted because its numbers can be traced: to the digits shown, each is a field of its rows."""
    page, known = ran
    assert faults(page, known) == []
    assert sum(1 for _ in cells(page)) > 200
    assert next(source for place, _, source in others(page) if place == "headline") in known.rows


def test_one_number_altered_is_found_in_any_table(ran):
    """A check that lets a wrong number pass proves nothing: each cell of the primary table, some of every other."""
    page, known = ran
    found = {}
    for place, text, source in cells(page):
        if source and known.fault(text, source) == "" and NUMBER.search(known.without_words(text)):
            altered = known.without_words(text)
            at = NUMBER.search(altered).start(3)
            altered = altered[:at] + "7" + altered[at:]
            found.setdefault(place.split(",")[0], []).append(known.fault(altered, source) != "")
    assert all(found["primary-table"])
    assert [name for name, hits in found.items() if not any(hits)] == []


def test_a_number_without_a_source_is_found(ran):
    """A table made tomorrow must say where its numbers come from."""
    _, known = ran
    assert known.fault("12.5", None) == "no source"
    assert known.fault("12.5", "primary/nothing/value//").startswith("no row")
    assert known.fault("observed at 2 years and 9 months, or in all", None) == "no source"
