"""While a report's figures are drawn no cycles are looked for, and afterwards as before."""

import gc

import pytest

from analysis.reporting import sections as module
from analysis.reporting.figures.drawing import without_sweeps
from analysis.reporting.report import Paragraph


class Content:
    audience = "closed"


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.enable()


def test_sections_are_made_without_sweeps(monkeypatch):
    """Those cost a seventh of the time in which figures are drawn."""
    seen = []

    def blocks(_):
        seen.append(gc.isenabled())
        yield Paragraph("text")

    monkeypatch.setitem(module.PARTS, "closed", (("a", "A", blocks),))
    assert len(module.sections(Content())) == 1
    assert seen == [False]
    assert gc.isenabled()


def test_a_section_that_fails_leaves_them_on(monkeypatch):
    """A process that never looks for cycles again fills the memory of a daemon."""

    def blocks(_):
        raise ZeroDivisionError

    monkeypatch.setitem(module.PARTS, "closed", (("a", "A", blocks),))
    with pytest.raises(ZeroDivisionError):
        module.sections(Content())
    assert gc.isenabled()


def test_who_had_turned_them_off_finds_them_off():
    """Whoever did so had a reason."""
    gc.disable()
    with without_sweeps():
        pass
    assert not gc.isenabled()
