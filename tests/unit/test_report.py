"""The report page: its numbers are the results table's, it is self-contained, and it names nobody."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.baseline import (
    BASELINE,
    OBSERVED,
    describe_baseline,
    describe_outcomes,
    described_frame,
)
from analysis.estimators.disposition import DISPOSITION
from analysis.reporting.document import ReportContent, make_report
from analysis.reporting.figures.adjusted_means import adjusted_means_figure
from analysis.reporting.html import render_html
from analysis.reporting.numbers import MINUS
from analysis.results import Statistic, results_frame
from data_contracts.errors import ContractError
from data_contracts.load import find_trial, load_trial
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Trial

MEANS = {  # visit -> usual care, Beat the Blues, difference, SE, p
    "m2": (18.92, 14.98, -3.94, 1.742, 0.0261),
    "m3": (17.10, 12.44, -4.66, 1.805, 0.0114),
    "m5": (15.36, 11.02, -4.34, 1.931, 0.0271),
    "m8": (13.51, 9.39, -4.12, 2.0123, 0.0434),
}
NUMBER = rf"{MINUS}?\d+\.?\d*"


FINDINGS = """
rule;form;dimension;severity;effect;message;passed;n_failed;n_checked
bdi.range.bdi;bdi;range;warning;quarantine;The BDI-II total is not between 0 and 63.;False;3;500
participants.key.participant;participants;key;critical;quarantine;A participant is there twice.;False;1;101
allocation.code.arm;allocation;allocation;critical;withhold;An arm is not in the plan.;True;0;100
bdi.schema.unknown;bdi;schema;info;note;A column is not in the plan.;False;0;500
"""
COUNTS = """
form;rows_in;accepted;quarantined
participants;101;100;1
allocation;100;100;0
bdi;500;497;3
"""
QUERIES = """
form;severity;state;n;oldest_days
bdi;warning;open;3;12
bdi;warning;resolved;2;
participants;critical;answered;1;
"""


def _frame(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text.strip()), sep=";")


def _rows() -> list[Statistic]:
    common = {
        "df": 92.0,
        "confidence": 0.95,
        "unit": "points",
        "n": 97,
        "n_observations": 280,
        "method": "REML",
    }
    rows = []
    for visit, (usual, therapy, difference, se, p) in MEANS.items():
        for arm, mean in (("TAU", usual), ("BtheB", therapy)):
            rows.append(_limits("adjusted mean", mean, se / 1.4, visit=visit, arm=arm, **common))
        named = {"visit": visit, "contrast": "BtheB - TAU", "p_value": p, **common}
        rows.append(_limits("adjusted mean difference", difference, se, **named))
    return rows


def _limits(statistic: str, value: float, se: float, **rest: Any) -> Statistic:
    return Statistic(statistic, value, se=se, lower=value - 1.986 * se, upper=value + 1.986 * se, **rest)


def fake_trial() -> Trial:
    """Return Beat the Blues with a secondary outcome that higher values make better."""
    trial = load_trial(find_trial("beat_the_blues"))
    bdi = {"form": "bdi", "column": "bdi"}
    hours = Outcome(name="hours", label="Structured activity", **bdi, unit="hours a week", better="higher")
    estimand = trial.primary.model_copy(update={"name": "hours_8", "outcome": "hours"})
    analysis = Analysis(name="hours", label="Activity", estimand="hours_8", estimator="lmm", role="secondary")
    added = {
        "outcomes": {**trial.outcomes, "hours": hours},
        "estimands": {**trial.estimands, "hours_8": estimand},
        "analyses": {**trial.analyses, "hours": analysis},
    }
    return trial.model_copy(update=added)


def fake_analysis_set(trial: Trial) -> pd.DataFrame:
    """Return 100 participants, five visits each, with some values missing."""
    rng = np.random.default_rng(7)
    n = 100
    people = pd.DataFrame({"participant": [f"PID{i:05d}" for i in range(n)], "in_randomised": True})
    people["arm"] = pd.Categorical(np.where(np.arange(n) < 48, "TAU", "BtheB"), ["TAU", "BtheB"])
    for name in ("drug", "length"):
        labels = list(trial.forms["participants"].columns[name].labels.values())
        people[name] = pd.Categorical.from_codes(rng.integers(-1 if name == "length" else 0, 2, n), labels)
    people["bdi_baseline"] = rng.normal(23, 10, n).round().clip(0, 63)
    people["hours_baseline"] = rng.gamma(2, 6, n).round(1)
    frame = people.merge(pd.DataFrame({"visit": [v.code for v in trial.visits]}), how="cross")
    seen = rng.random(len(frame)) > 0.15
    frame["bdi"] = pd.Series(rng.normal(17, 10, len(frame)).round().clip(0, 63)).where(seen)
    frame["hours"] = pd.Series(rng.gamma(2, 8, len(frame)).round(1)).where(seen)
    return frame


def fake_results(trial: Trial) -> pd.DataFrame:
    """Return rows of every role, one analysis not estimable, one on the boundary."""
    base = {"trial": trial.name, "seed": trial.seed, "plan_hash": trial.plan_hash}
    main = _rows()
    at_end = [r for r in main if r.visit == "m8"]
    found = {"residual sd": 5.01, "participant sd": 7.4, "log-likelihood": -935.746, "agreement": 2e-9}
    checks = [Statistic(name, value) for name, value in found.items()]
    empty = dict.fromkeys(("value", "lower", "upper", "se", "df", "p_value"), math.nan)
    reason = "every complete case is in one arm"
    refused = [replace(r, **empty, status="not estimable", reason=reason) for r in at_end if r.contrast]
    overall = replace(
        at_end[-1], statistic="treatment effect", visit="", value=-2.32908, se=1.67036, lower=-5.6,
        upper=0.945, p_value=0.1632, df=math.inf, status="boundary", reason="a variance is zero",
    )  # fmt: skip
    hours = [_limits(r.statistic, r.value * 0.3, r.se * 0.3, visit=r.visit, arm=r.arm, contrast=r.contrast,
                     p_value=r.p_value, n=90) for r in at_end]  # fmt: skip
    plan = {
        ("primary", "primary", "bdi"): [*main, *checks],
        ("ancova", "cross-check", "bdi"): [replace(r, df=93.4) for r in at_end],
        ("complete_cases", "sensitivity", "bdi"): refused,
        ("published", "sensitivity", "bdi"): [overall],
        ("hours", "secondary", "hours"): hours,
    }
    people = fake_analysis_set(trial)
    frames = [results_frame(r, analysis=a, role=b, outcome=c, **base) for (a, b, c), r in plan.items()]
    frames.append(described_frame(describe_baseline(people, trial), analysis=BASELINE, **base))
    frames.append(described_frame(describe_outcomes(people, trial), analysis=OBSERVED, **base))
    frames.append(fake_flow(trial))
    return pd.concat(frames, ignore_index=True)


def fake_flow(trial: Trial) -> pd.DataFrame:
    """Return rows of a flow that adds up: 48 and 52, one excluded."""
    rows: dict[str, list[Statistic]] = {}
    for arm, n, excluded, left in (("TAU", 48, 1, 2), ("BtheB", 52, 0, 1), ("", 100, 1, 3)):
        kept, lost = n - excluded, 4 if arm else 8
        counts = [("randomised", "", n, ""), ("excluded", "", excluded, "found ineligible")]
        if arm == "BtheB":
            counts += [
                ("received therapy", "", 45, "at least one session"),
                ("no therapy", "", 7, "no session"),
            ]
        for i, visit in enumerate(trial.visits):
            counts.append(("observed", visit.code, kept - lost * i, ""))
            counts.append(("lost", visit.code, lost * i, "primary outcome not observed"))
        counts += [("not analysed", "", left, "no follow-up observed"), ("analysed", "", kept - left, "")]
        for stage, visit, value, reason in counts:
            row = Statistic("count", float(value), visit=visit, arm=arm, at=reason, n=n)
            rows.setdefault(stage, []).append(row)
    return described_frame(rows, analysis=DISPOSITION, role="descriptive", trial=trial.name)


def render_report(content: ReportContent) -> str:
    return render_html(make_report(content))


def fake_content(trial: Trial | None = None, **changes: Any) -> ReportContent:
    """Return a whole report's content, with any part changed."""
    trial = trial or fake_trial()
    source = {
        "form": "bdi",
        "file": "bdi.sav",
        "sha256": "0f" * 32,
        "size": 12345,
        "modified": "2026-02-03T04:05:06Z",
    }
    provenance = {
        "sources": [source], "plan_hash": trial.plan_hash, "data_hash": "ab" * 32, "code_version": "cd" * 32,
        "packages": {"statsmodels": "0.15.0", "pandas": "3.0.0"}, "seed": 20031, "run_id": "6f1c",
        "time": "2026-02-03T04:10:00Z", "triggered_by": "nightly schedule",
    }  # fmt: skip
    parts = {
        "trial": trial, "results": fake_results(trial), "counts": _frame(COUNTS),
        "findings": _frame(FINDINGS), "queries": _frame(QUERIES), "provenance": provenance,
        "links": {"Validation report": "validation/index.html"},
    }  # fmt: skip
    return ReportContent(**{**parts, **changes})


class _Cells(HTMLParser):
    """Collects (table id, source, text) of each cell, the ids, and the references to ids."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open_tags: list[str] = []
        self._table = self._source = ""
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        self.references += [
            w for n in ("aria-labelledby", "aria-describedby") for w in found.get(n, "").split()
        ]
        self.references += [v[1:] for n in ("href", "xlink:href") if (v := found.get(n, "")).startswith("#")]
        self._table = found.get("id", "") if tag == "table" else self._table
        if tag == "td":
            self._source, self._text = found.get("data-source", ""), []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._text is not None:
            self.cells.append((self._table, self._source, "".join(self._text)))
            self._text = None


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return fake_content()


@pytest.fixture(scope="module")
def page(content: ReportContent) -> str:
    return render_report(content)


@pytest.fixture(scope="module")
def parsed(page: str) -> _Cells:
    parser = _Cells()
    parser.feed(page)
    return parser


def _numbers(text: str) -> list[float]:
    return [float(found.replace(MINUS, "-")) for found in re.findall(NUMBER, text)]


FIELDS = ("value", "lower", "upper", "se", "df", "p_value", "n")


def _by_key(results: pd.DataFrame) -> dict[str, Any]:
    return {
        f"{r.analysis}/{r.outcome}/{r.statistic}/{r.visit}/{r.arm or r.contrast}": r
        for r in results.itertuples(index=False)
    }


@pytest.mark.parametrize("table", ["primary-table", "sensitivity-table", "secondary-table"])
def test_each_number_of_a_comparison_is_that_of_its_results_row(
    table: str, content: ReportContent, parsed: _Cells
) -> None:
    """A report is trusted because its numbers can be traced; half a unit of the last digit is rounding."""
    rows = _by_key(content.results)
    checked = 0
    for name, source, text in parsed.cells:
        if name == table and source and "not estimable" not in text:
            held = [getattr(rows[key], field) for key in source.split(" ; ") for field in FIELDS]
            for shown, printed in zip(_numbers(text), re.findall(NUMBER, text), strict=True):
                half = 0.5 * 10.0 ** -len(printed.partition(".")[2])
                assert any(not pd.isna(v) and abs(v - shown) <= half * 1.0001 for v in held), (
                    source,
                    printed,
                )
                checked += 1
    assert checked >= 10


def test_the_primary_table_shows_every_row_of_the_primary_analysis(
    content: ReportContent, parsed: _Cells
) -> None:
    """A visit that is left out would hide a result."""
    shown = {source for name, source, _ in parsed.cells if name == "primary-table"}
    adjusted = content.results[content.results["statistic"].str.startswith("adjusted")]
    wanted = {k for k, r in _by_key(adjusted).items() if r.analysis == "primary"}
    assert wanted <= shown


def test_what_could_not_be_estimated_is_said_with_its_reason(page: str) -> None:
    """A blank cell would pass for an oversight."""
    assert "not estimable: every complete case is in one arm" in page


def test_the_page_asks_the_network_for_nothing(page: str) -> None:
    """It is opened from mail attachments; the only addresses are names of XML vocabularies."""
    without_vocabularies = re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert not re.search(r"https?:|src=|@import|url\((?!#)", without_vocabularies)


def test_the_page_names_no_participant(page: str) -> None:
    """Reports travel further than data; not even the form of an identifier may be there."""
    assert "PID" not in page


def test_the_same_content_gives_the_same_bytes(content: ReportContent, page: str) -> None:
    """A night on which nothing changed must not look like a change."""
    assert render_report(content) == page
    once, again = (adjusted_means_figure(content.results, content.trial)[0] for _ in range(2))
    assert once.png == again.png


def test_ids_are_unique_and_references_resolve(parsed: _Cells) -> None:
    """Contents list, captions and the figure's description are found by id."""
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(parsed.references) <= set(parsed.ids)


def test_text_of_a_trial_file_is_escaped() -> None:
    """A label such as `<30 h` or a script in a title must stay text."""
    trial = fake_trial().model_copy(update={"title": "Hours <30 & <script>alert(1)</script>"})
    assert "<script>alert" not in render_report(fake_content(trial))


def test_simulated_data_are_announced_at_the_top() -> None:
    """A demonstration must never be taken for a finding; a real trial must not carry the banner."""
    synthetic = fake_trial().model_copy(update={"synthetic": True})
    assert "Synthetic data." in render_report(fake_content(synthetic))
    assert "Synthetic data." not in render_report(fake_content())


def test_a_report_without_any_results_still_says_so() -> None:
    """An estimation that failed is a result of the night, to be read, not an exception."""
    page = render_report(fake_content(results=results_frame([])))
    assert "could not be estimated" in page
    assert adjusted_means_figure(results_frame([]), fake_trial()) == ()


def test_records_that_got_lost_stop_the_report(content: ReportContent) -> None:
    """Rows in = accepted + quarantined, or a record vanished."""
    counts = content.counts.assign(accepted=[99, 100, 497])
    with pytest.raises(ContractError, match="form participants"):
        render_report(fake_content(counts=counts))


def test_a_link_that_leaves_the_reports_is_refused() -> None:
    """A report must not lead its reader to another host."""
    with pytest.raises(ValueError, match="relative"):
        render_report(fake_content(links={"more": "https://example.org"}))


def test_the_figure_tells_its_values_in_words(content: ReportContent) -> None:
    """Who can't see it hears the same numbers."""
    (figure,) = adjusted_means_figure(content.results, content.trial)
    svg = figure.svg
    description = re.search(r"<desc[^>]*>(.*?)</desc>", svg)
    assert description is not None
    assert "Usual care at 2 months: 18.9" in description.group(1)
    assert 'role="img"' in svg
