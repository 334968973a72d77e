"""The files a run's report comes to, by path in the trial's folder. Not here: drawing them (analysis), writing them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from data_contracts.standing import SHUFFLED, said_in_name

if TYPE_CHECKING:
    import pandas as pd

    from analysis.reporting.content import ReportContent
    from analysis.reporting.report import Picture, Report

PAGE = "report.html"
BESIDE = {"Report as a Word document": "report.docx", "Results table (CSV)": "results.csv"}
WITH_FALLBACK = re.compile(r"var\(--[\w-]+, ([^)]+)\)")


def report_files(
    content: "ReportContent", report: "Report", analysis_set: "pd.DataFrame"
) -> Mapping[str, bytes]:
    """Return the bytes of each file of a run, the page people open first last.

    Args:
        content: What the report is made of, of the final audience.
        report: The report made of it.
        analysis_set: The analysis set; its files hold participants' data and lie below `data/`.
    """
    from analysis.reporting.exports.files import analysis_set_files
    from analysis.reporting.html import render_html
    from analysis.reporting.word import render_word

    allocation = SHUFFLED if SHUFFLED in report.marks else "true"
    exported = analysis_set_files(analysis_set, content.trial, allocation)
    files = {
        **dict(_of_results(content.results)),
        **dict(_of_tables(report)),
        **dict(_of_figures(report)),
        **{f"data/{name}": data for name, data in exported.items()},
        "report.docx": render_word(report),
        PAGE: render_html(_with_links(report, BESIDE)).encode(),
    }
    return {**_of_open(content), **{said_in_name(name, allocation): data for name, data in files.items()}}


def _with_links(report: "Report", beside: Mapping[str, str]) -> "Report":
    allocation = SHUFFLED if SHUFFLED in report.marks else "true"
    links = {text: said_in_name(name, allocation) for text, name in beside.items()}
    return replace(report, links={**report.links, **links})


def _of_results(results: "pd.DataFrame") -> Iterator[tuple[str, bytes]]:
    from analysis.reporting.exports.files import results_csv, results_parquet

    yield "results.csv", results_csv(results)
    yield "results.parquet", results_parquet(results)


def _of_tables(report: "Report") -> Iterator[tuple[str, bytes]]:
    from analysis.reporting.checklist import checklist_table
    from analysis.reporting.table_csv import to_csv

    mark = report.marks.get(SHUFFLED, "")
    yield "checklist.csv", to_csv(checklist_table(report), mark).encode()
    for section in report.sections:
        for block in section.blocks:
            if block.kind == "table" and not block.is_empty:
                yield f"tables/{block.name}.csv", to_csv(block, mark).encode()


def _of_figures(report: "Report") -> Iterator[tuple[str, bytes]]:
    for picture in _pictures(report):
        yield f"figures/{picture.name}.svg", standalone(picture.svg).encode()
        yield f"figures/{picture.name}.png", picture.png


def _pictures(report: "Report") -> Iterator["Picture"]:
    for section in report.sections:
        for block in section.blocks:
            if block.kind == "picture":
                yield block
            elif block.kind == "flow" and block.picture is not None:
                yield block.picture


def standalone(svg: str) -> str:
    """Return a picture of a page as a file of its own: a drawing program knows no variables of a style sheet."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + WITH_FALLBACK.sub(r"\1", svg)


def _of_open(content: "ReportContent") -> Mapping[str, bytes]:
    """Return the report for whoever may not see the arms; its name says no allocation, since it shows none."""
    from analysis.reporting.document import make_report
    from analysis.reporting.html import render_html
    from analysis.reporting.word import render_word

    report = make_report(replace(content, audience="open", links={}))
    beside = replace(report, links={"Report as a Word document": "report-open.docx"})
    return {
        "open/report-open.docx": render_word(report),
        "open/report-open.html": render_html(beside).encode(),
    }
