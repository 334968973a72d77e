"""The CONSORT checklist: every item is there, and says truly where the report has it."""

import pytest

from analysis.reporting.checklist import NOT_HERE, checklist, checklist_table
from analysis.reporting.checklist_items import HEAD, ITEMS
from analysis.reporting.report import Paragraph, Picture, Report, Section
from analysis.reporting.table import Cell, Column, Table, one_group, row
from data_contracts.load import find_trial, load_trial
from data_contracts.operations import Randomisation

TRIAL = load_trial(find_trial("demo"))
SUB_ITEMS = (
    "1ab 2 3 4 5ab 6 7 8 9 10 11 12ab 13 14 15 16ab 17ab 18 19 20ab 21abcd 22ab 23ab 24ab 25 26 27 28 29 30"
)


def _table(name, *rows):
    return Table(name, name.capitalize(), (Column("x"),), one_group(rows))


def _where(table):
    """Return by item what is said of its place, and the address."""
    rows = [row for group in table.groups for row in group.rows]
    return {row.cells[0].text: (row.cells[3].text, row.cells[3].link) for row in rows}


def _expected():
    for word in SUB_ITEMS.split():
        number = word.rstrip("abcd")
        yield from (number + letter for letter in word[len(number) :]) if word != number else (word,)


def test_every_item_of_consort_2025_is_there_in_its_order():
    """30 items, twelve more for those that have parts."""
    numbers = [item.number for items in ITEMS.values() for item in items]
    assert numbers == list(_expected())
    assert len({number.rstrip("abcd") for number in numbers}) == 30


def test_what_an_empty_report_lacks_is_said_with_what_the_author_must_supply():
    rows = [row for group in checklist((), TRIAL).groups for row in group.rows]
    lacking = [row for row in rows if row.cells[3].text == NOT_HERE]
    assert len(lacking) == len(rows)
    assert all(row.cells[4].text for row in lacking)


def test_an_item_leads_to_the_table_that_has_it():
    harms = Section("harms", "Harms", (_table("harms-table", row("a")),))
    assert _where(checklist([harms], TRIAL))["27"] == ("Harms-table", "#harms-table")


def test_an_empty_table_does_not_count():
    """ "Harms: see table" above an empty table is worse than nothing."""
    harms = Section("harms", "Harms", (_table("harms-table"),))
    assert _where(checklist([harms], TRIAL))["27"] == (NOT_HERE, "")


def test_a_section_of_empty_tables_alone_does_not_count():
    flow = Section("flow", "Participant flow", (_table("disposition-table"),))
    assert _where(checklist([flow], TRIAL))["22a"] == (NOT_HERE, "")


def test_a_paragraph_and_a_figure_count_by_title_and_name():
    methods = Section("methods", "Methods", (Paragraph("Blocks of 4.", title="Trial design"),))
    figure = Section("recruitment", "Recruitment", (Picture("recruitment-course", "Course", "", "", b""),))
    where = _where(checklist([methods, figure], TRIAL))
    assert where["17b"] == ("Methods, trial design", "#methods")
    assert where["23a"] == ("Course", "#recruitment-course")


@pytest.mark.parametrize(("title", "said"), [("SRT: a randomised trial", HEAD["title"]), ("SRT", NOT_HERE)])
def test_the_title_must_say_that_the_trial_was_randomised(title, said):
    assert _where(checklist((), TRIAL.model_copy(update={"title": title})))["1a"][0] == said


@pytest.mark.parametrize(
    ("registration", "is_claimed"),
    [
        ("ISRCTN12345678", True),
        ("doi 10.1186/ISRCTN12345678", True),
        ("ClinicalTrials.gov NCT01234567, 3 May 2015", True),
        ("EudraCT 2004-000123-12", True),
        ("2004-000123-12", True),
        ("simulated; shaped after SUPEREDEN3, doi 10.1016/S2215-0366(17)30476-5", False),
        ("published data; Proudfoot et al. 2003, doi 10.1017/S0033291702007225", False),
        ("", False),
    ],
)
def test_a_registration_is_claimed_where_a_registry_s_number_stands(registration, is_claimed):
    """The doi of a paper tells nobody where the trial was registered."""
    named = TRIAL.model_copy(update={"registration": registration})
    assert (_where(checklist((), named))["2"][0] == HEAD["registration"]) == is_claimed


def _remains(table, item):
    rows = [row for group in table.groups for row in group.rows]
    return next(row.cells[4].text for row in rows if row.cells[0].text == item)


def test_what_the_paragraph_on_the_design_does_not_tell_is_not_claimed():
    """Without sites, shares and blocks in the trial file it names none."""
    methods = Section("methods", "Methods", (Paragraph("Parallel groups.", title="Trial design"),))
    bare = TRIAL.model_copy(update={"sites": (), "strata": (), "randomisation": Randomisation()})
    told, untold = checklist([methods], TRIAL), checklist([methods], bare)
    assert _where(told)["11"][0] == _where(told)["17b"][0] == "Methods, trial design"
    assert _where(untold)["11"][0] == _where(untold)["17b"][0] == NOT_HERE
    assert "shares" in _remains(untold, "9")
    assert "shares" not in _remains(told, "9")
    strata = checklist([methods], bare.model_copy(update={"strata": ("sex",)}))
    assert _where(strata)["17b"][0] == "Methods, trial design"
    assert "blocks" in _remains(strata, "17b")
    assert not _remains(told, "17b")


def test_the_checklist_of_a_report_is_found_in_it():
    """The file of it is written from there."""
    made = checklist((), TRIAL)
    parts = ("T", "final", "", "", False, {}, (), ())
    assert checklist_table(Report(*parts, (Section("checklist", "Checklist", (made,)),))) is made
    with pytest.raises(LookupError):
        checklist_table(Report(*parts, ()))


def test_the_source_is_named():
    (note,) = checklist((), TRIAL).notes
    assert "10.1136/bmj-2024-081123" in note


@pytest.mark.parametrize(
    ("lost", "remains"),
    [
        (row(Cell("Not observed, 9 months"), "12", "9", "21"), "Reasons for loss."),
        (row(Cell("Not observed, 9 months", detail="moved away"), "12", "9", "21"), ""),
        (row(Cell("Not observed, 9 months"), "0", "0", "0"), ""),
    ],
    ids=["no reason", "a reason", "nobody lost"],
)
def test_reasons_for_loss_remain_to_the_author_where_the_flow_has_none(lost, remains):
    """ "Primary outcome not observed" is no reason: the checklist must not say that the item is done."""
    table = _table("disposition-table", row(Cell("Randomised"), "70", "70", "140"), lost)
    (item,) = (
        line
        for group in checklist([Section("flow", "Flow", (table,))], TRIAL).groups
        for line in group.rows
        if line.cells[0].text == "22b"
    )
    assert item.cells[3].text != NOT_HERE
    assert item.cells[4].text == remains
