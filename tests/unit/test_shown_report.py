"""What the report's materialisation shows in Dagster: the sentence with its marks, the comparison, figure and pages."""

from types import SimpleNamespace

import pytest

from analysis.reporting.headline import Headline
from analysis.reporting.report import Picture, Report, Section
from analysis.reporting.table import Cell, Column, Table, one_group, row
from assets.shown_report import links_of, report_shown, table_markdown
from data_contracts.standing import MARK

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
        name: entry.value for name, entry in report_shown(report(), {"Report": "http://here/r.html"}).items()
    }
    assert shown["headline"] == "**Hours were higher.** A detail."
    assert shown["primary comparison"] == table_markdown(TABLE)
    assert shown["adjusted means"].startswith("![Means](data:image/png;base64,")
    assert shown["pages"].startswith("[Report](http://here/r.html)")


def test_marks_come_before_the_sentence():
    """A screenshot of Dagster's page goes round too."""
    marks = {"shuffled": MARK, "not-as-locked": "NOT AS LOCKED: the data."}
    said = report_shown(report(marks=marks), {})["headline"].value
    assert said.index(MARK) < said.index("NOT AS LOCKED") < said.index("Hours were higher")


def test_a_report_without_a_primary_section_shows_what_there_is():
    """A figure that could not be drawn must not cost the report."""
    assert set(report_shown(report(sections=()), {})) == {"headline", "pages"}


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
