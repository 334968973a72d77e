"""What the report's materialisation shows in Dagster: the sentence with its marks, the comparison, figure and pages."""

import base64
import re
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from analysis.reporting.estimates import first
from analysis.reporting.figures import look
from analysis.reporting.figures.miniature import miniature
from analysis.reporting.headline import Headline
from analysis.reporting.report import Picture, Report, Section
from analysis.reporting.sections import FINAL
from analysis.reporting.table import Cell, Column, Table, one_group, row
from analysis.results import Statistic, results_frame
from assets.report import DESCRIPTION
from assets.shown_report import links_of, report_shown, table_markdown
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Arm
from data_contracts.standing import MARK

DEMO = load_trial(find_trial("demo"))
SHOWN_UNASKED = 1000  # characters: Dagster shows an entry that is shorter, and a button for one that isn't
TABLE = Table(
    name="primary-table",
    caption="Hours",
    columns=(
        Column("Visit"),
        Column("Therapy | <b>", detail="adjusted mean"),
        Column("Difference"),
        Column("p"),
    ),
    groups=one_group(
        [
            row(
                Cell("9 months", detail="primary"),
                Cell("24.9", detail="(20 to 30)"),
                "7.6",
                "0.02",
                mark="primary",
            ),
            row("15 months", "28.4", "4.5", "0.2"),
        ]
    ),
)


def report(**more):
    figure = Picture("means", "Means", "said", "<svg/>", b"a picture")
    parts = {"sections": (Section("primary", "Primary", (figure, TABLE)),), "marks": {}, **more}
    said = (Headline("better", "Hours were higher.", "A detail."),)
    return Report("T", "final", "", "", True, headlines=said, key_figures=(), **parts)


def test_the_primary_comparison_stands_upright():
    """Across, its last columns would be cut off where Dagster shows it: p among them."""
    assert table_markdown(TABLE).splitlines() == [
        "| Visit | 9 months primary |",
        "| --- | --- |",
        "| Therapy \\| &lt;b&gt; adjusted mean | 24.9 (20 to 30) |",
        "| Difference | 7.6 |",
        "| p | 0.02 |",
    ]


def test_a_comparison_that_could_not_be_estimated_says_so_in_its_place():
    """A wide cell takes the place of several."""
    wide = row("9 months", Cell("not estimable: one arm is empty", span=3), mark="primary")
    shown = table_markdown(SimpleNamespace(columns=TABLE.columns, groups=one_group([wide])))
    assert "| Therapy \\| &lt;b&gt; adjusted mean | not estimable: one arm is empty |" in shown
    assert shown.endswith("| p |  |")


def test_sentence_table_figure_and_pages_are_entries_of_their_own():
    """Dagster hides a long entry behind a button: the sentence must not go with the figure."""
    shown = {
        name: entry.value
        for name, entry in report_shown(report(), DEMO, {"Report": "http://here/r.html"}).items()
    }
    assert shown["headline"] == "**Hours were higher.** A detail."
    assert shown["primary comparison"] == table_markdown(TABLE)
    assert shown["adjusted means"].startswith("![Means](data:image/png;base64,")
    assert shown["pages"].startswith("[Report](http://here/r.html)")


def test_marks_come_before_the_sentence():
    """A screenshot of Dagster's page goes round too."""
    marks = {"shuffled": MARK, "not-as-locked": "NOT AS LOCKED: the data."}
    said = report_shown(report(marks=marks), DEMO, {})["headline"].value
    assert said.index(MARK) < said.index("NOT AS LOCKED") < said.index("Hours were higher")


def difference(contrast="SRT - UC", value=7.6, lower=1.5, upper=13.7):
    limits = {"lower": lower, "upper": upper, "se": 3.0, "confidence": 0.95, "p_value": 0.02}
    row = Statistic("adjusted mean difference", value, visit="m9", contrast=contrast, **limits)
    found = first(
        results_frame([row], analysis="primary", outcome=DEMO.primary.outcome, role="primary"),
        analysis="primary",
    )
    assert found is not None
    return found


def drawn_of(shown):
    """Return the miniature in Dagster's metadata as XML."""
    address = re.search(r"\(data:image/svg\+xml;base64,([^)]*)\)", shown["primary difference"].value)
    return ET.fromstring(base64.b64decode(address.group(1)))


def test_the_primary_difference_is_a_picture_that_is_shown_unasked():
    """The whole figure takes a click; the one of the headline is so small that Dagster shows it at once."""
    said = (Headline("better", "Hours were higher.", "A detail.", difference()),)
    shown = report_shown(replace(report(), headlines=said), DEMO, {})
    assert len(shown["primary difference"].value) < SHOWN_UNASKED
    svg = drawn_of(shown)
    words = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["← favours Usual care", f"favours {DEMO.compared_arms[0].label} →"]
    (dot,) = svg.iter("{http://www.w3.org/2000/svg}circle")
    zero, line = list(svg.iter("{http://www.w3.org/2000/svg}path"))
    ends = [int(place) for place in re.findall(r"M(\d+) \d+H(\d+)", line.get("d"))[0]]
    at_zero = int(re.match(r"M(\d+)", zero.get("d")).group(1))
    assert at_zero < ends[0] < int(dot.get("cx")) < ends[1] <= 360
    share = (int(dot.get("cx")) - at_zero) / (ends[1] - at_zero)
    assert share == pytest.approx(7.6 / 13.7, abs=0.005)  # whole pixels of some 300


def test_the_small_picture_says_whom_it_favours_when_lower_is_better():
    """The same numbers are then in favour of usual care."""
    outcome = DEMO.outcomes[DEMO.primary.outcome].model_copy(update={"better": "lower"})
    lower = DEMO.model_copy(update={"outcomes": {**DEMO.outcomes, DEMO.primary.outcome: outcome}})
    svg = miniature([difference()], lower)
    assert svg.index(f"favours {DEMO.compared_arms[0].label}") < svg.index("favours Usual care")


def test_the_small_picture_of_several_arms_is_shown_unasked_too():
    """A line per comparison, in the colour its arm has in every figure."""
    long = "Social Recovery Therapy & telephone coaching by a trained graduate worker plus usual care"
    arms = (*DEMO.arms, Arm(code="ONLINE", label=long, therapy=True))
    three = DEMO.model_copy(update={"arms": arms})
    both = [difference(), difference("ONLINE - UC", -2.0, -6.0, 2.0)]
    said = tuple(Headline("better", "Hours were higher.", "", one) for one in both)
    shown = report_shown(replace(report(), headlines=said), three, {})
    assert len(shown["primary difference"].value) < SHOWN_UNASKED
    colours = [c.get("fill") for c in drawn_of(shown).iter("{http://www.w3.org/2000/svg}circle")]
    assert colours == [look.style(1).colour, look.style(2).colour]


def test_the_small_picture_of_shuffled_arms_says_so():
    """A picture is copied without its sentence."""
    said = (Headline("better", "Hours were higher.", "", difference()),)
    shown = report_shown(replace(report(marks={"shuffled": MARK}), headlines=said), DEMO, {})
    assert len(shown["primary difference"].value) < SHOWN_UNASKED
    assert any(text.text == "ALLOCATION SHUFFLED" for text in drawn_of(shown).iter())


def test_without_an_estimate_there_is_no_small_picture():
    """A dot at nothing would be taken for no difference."""
    assert miniature([], DEMO) == ""
    assert miniature([difference(lower=float("nan"))], DEMO) == ""
    assert "primary difference" not in report_shown(report(), DEMO, {})


def test_a_long_headline_keeps_its_sentences_in_sight():
    """Marks and sentences are not to vanish behind a button for the sake of their details."""
    said = tuple(Headline("better", f"Hours were higher in arm {i}.", "A detail. " * 40) for i in range(3))
    shown = report_shown(replace(report(marks={"shuffled": MARK}), headlines=said), DEMO, {})
    assert len(shown["headline"].value) < SHOWN_UNASKED
    assert MARK in shown["headline"].value
    assert all(one.sentence in shown["headline"].value for one in said)
    assert "A detail." not in shown["headline"].value
    assert shown["headline, in detail"].value.count("A detail.") == 120


def test_the_description_of_the_report_names_each_of_its_sections():
    """Dagster's page said what a report of long ago had in it."""
    words = DESCRIPTION.lower().replace("\n", " ")
    left = {title for _, title, _ in FINAL if title.lower().removeprefix("the ") not in words}
    assert left == set()


def test_a_report_without_a_primary_section_shows_what_there_is():
    """A figure that could not be drawn must not cost the report."""
    assert set(report_shown(report(sections=()), DEMO, {})) == {"headline", "pages"}


@pytest.mark.parametrize("name", ["report", "report-SHUFFLED"])
def test_only_pages_that_are_there_are_led_to(tmp_path, name):
    """Under the names they have while the arms are shuffled, too."""
    for file in (f"{name}.html", f"{name}.docx"):
        (tmp_path / file).write_text("")
    links = links_of(tmp_path / f"{name}.html", "http://here")
    below = f"http://here/{tmp_path.name}"
    assert links == {
        "Report": f"{below}/{name}.html",
        "Report (Word)": f"{below}/{name}.docx",
        "Index of trials": "http://here/",
    }
