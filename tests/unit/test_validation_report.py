"""The validation page: what it says of a night, what it must never say, and that it needs nothing else."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pandas as pd
import pytest

from analysis.derive.retention import ALL, Followed
from analysis.reporting.validation.by_rule import queries_by_rule
from analysis.reporting.validation.content import Delivered, ValidationContent
from analysis.reporting.validation.notice import with_notice, without_notice
from analysis.reporting.validation.page import render_validation
from analysis.reporting.validation.sites import light
from analysis.reporting.validation.state import state_of
from analysis.reporting.validation.trend import BEGINS, nights_of, trend_figure, trend_in_words
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))
START = datetime(2026, 3, 1, 2, tzinfo=UTC)
ARM, RANGE, TEXT = "allocation.allocation.arm", "time_use.range.hours", "time_use.text.assessor_note"


def finding(rule, *, passed=False, **more):
    form, dimension, columns = rule.split(".")
    own = {"severity": "warning", "effect": "query", "message": f"Must hold: {columns}.", "owner": "data manager",
           "error": "", "n_failed": 0 if passed else 3, "n_checked": 50}  # fmt: skip
    return {
        "rule": rule,
        "form": form,
        "dimension": dimension,
        "columns": columns,
        "passed": passed,
        **own,
        **more,
    }


FINDINGS = [
    finding(RANGE, severity="critical", effect="quarantine", n_failed=2),
    finding(TEXT, n_failed=2),
    finding(ARM, passed=True, severity="critical", effect="withhold", owner="trial manager"),
]
LIVE = {"new": 0, "open": 0, "answered": 0, "returned": 0, "resolved": 0, "overdue": 0}


def life(rule, severity="warning", **counts):
    own = {"form": rule.split(".")[0], "rule": rule, "severity": severity, "message": "m", "owner": "o"}
    return {**own, **LIVE, **counts}


def history(n=1, lives=(), changes=(), *, overdue=(), withheld=(), unresolved=4):
    times = [START + timedelta(days=i) for i in range(n)]
    nights = [
        {"time": t, "run_id": f"run {i}", "data_hash": f"data {i}", "plan_hash": "plan", "code_version": "code",
         "withheld": i in withheld, "accepted": 90 + i, "quarantined": 2}
        for i, t in enumerate(times)
    ]  # fmt: skip
    trend = [{"time": t, "severity": "warning", "unresolved": 900 if i in withheld else unresolved + i}
             for i, t in enumerate(times)]  # fmt: skip
    late = [
        "query_id",
        "form",
        "field",
        "rule",
        "site",
        "participant",
        "visit",
        "severity",
        "status",
        "owner",
        "asked",
    ]
    frames = {
        "nights": pd.DataFrame(nights),
        "trend": pd.DataFrame(trend),
        "lives": pd.DataFrame(list(lives), columns=list(life(RANGE))),
        "changes": pd.DataFrame(list(changes), columns=["form", "rule", "to_status", "n"]),
        "overdue": pd.DataFrame(list(overdue), columns=late),
    }
    utc = "datetime64[us, UTC]"
    return {
        **frames,
        "nights": frames["nights"].astype({"time": utc}),
        "trend": frames["trend"].astype({"time": utc}),
        "overdue": frames["overdue"].astype({"asked": utc}),
    }


def content(**more):
    counts = [{"form": form, "rows_in": 10, "accepted": 9, "quarantined": 1} for form in TRIAL.forms]
    followed = Followed(
        recruited=pd.DataFrame({"site": [ALL, "Norfolk", "Sussex"], "randomised": [68, 48, 20]}),
        seen=pd.DataFrame(
            [(s, v.code, 20, n) for v in TRIAL.follow_ups for s, n in ((ALL, 18), ("Norfolk", 17), ("Sussex", 14))],
            columns=["site", "visit", "expected", "observed"],
        ),
        form="time_use",
        is_dated=True,
    )  # fmt: skip
    given = {
        "trial": TRIAL,
        "run_id": "run 0",
        "time": START,
        "withheld": False,
        "reasons": (),
        "findings": pd.DataFrame(FINDINGS),
        "counts": pd.DataFrame(counts),
        "asked": pd.DataFrame({"query_id": ["aaa111", "bbb222"], "form": "time_use", "rule": TEXT}),
        "files": tuple(Delivered(f, f"{f}.csv", "ab" * 32, 1000, START, 10) for f in TRIAL.forms),
        "followed": followed,
        "telling": frozenset(),
        "history": history(lives=[life(RANGE, "critical", new=2), life(TEXT, new=2)]),
        "facts": {
            "data_hash": "d" * 64,
            "plan_hash": "p" * 64,
            "code_version": "c" * 16,
            "allocation": "true",
        },
    }
    return ValidationContent(**{**given, **more})


class Page(HTMLParser):
    """The text of a page, its ids, its links, and what a browser would fetch."""

    def __init__(self, page):
        super().__init__()
        self.text, self.ids, self.links, self.fetched, self.scopes = "", [], [], [], 0
        self.is_shown = True
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.is_shown = (
            tag not in {"style", "script"} if tag in {"style", "script", "body"} else self.is_shown
        )
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if tag == "a" else []
        self.fetched += [named[n] for n in ("src", "srcset", "data", "poster") if n in named]
        self.fetched += [tag] if tag in {"link", "iframe", "img"} else []  # a fetched script has a `src`

    def handle_data(self, data):
        self.text += data if self.is_shown else ""


def table(page, name):
    (found,) = re.findall(rf'<table id="{name}">.*?</table>', page, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", found, re.DOTALL)
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


def test_an_accepted_night_says_how_much_of_what_came_is_accepted_and_what_is_first():
    """The one sentence a data manager reads before the coffee."""
    page = Page(render_validation(content()))
    said = " ".join(page.text.split())
    assert "Accepted The data of 1 March 2026 are accepted for analysis: 72 of 80 records in 8 forms" in said
    assert (
        "First: Settle the 2 critical queries on Time Use Survey: srt queries demo --severity critical"
        in said
    )
    assert "this is the first night" in said


def test_a_withheld_night_says_why_and_whose_it_is():
    """Nothing else on the page matters until then."""
    broken = finding(ARM, severity="critical", effect="withhold", owner="trial manager")
    page = render_validation(
        content(
            withheld=True, reasons=("The arm is <unknown>.",), findings=pd.DataFrame([*FINDINGS[:2], broken])
        )
    )
    said = " ".join(Page(page).text.split())
    assert (
        "Withheld from analysis The data of 1 March 2026 are withheld: nothing may be analysed, for 1 reason"
        in said
    )
    assert "The arm is <unknown>." in said
    assert "First: the trial manager has to settle “Randomisation list”." in said
    rows = table(page, "blocked-table")
    assert [row[0] for row in rows] == [
        "Form", "Withholds the whole trial from analysis", "Randomisation list",
        "Sets the record aside", "Time Use Survey",
    ]  # fmt: skip
    assert rows[2][2:] == ["3 of 50", "trial manager"]
    assert "these counts are of the records that passed" in said


def test_a_rule_that_could_not_be_judged_withholds():
    """Nobody knows what it would have found, whatever its effect is called."""
    findings = pd.DataFrame([finding(TEXT, error="KeyError")])
    rows = table(
        render_validation(content(withheld=True, reasons=("r",), findings=findings)), "blocked-table"
    )
    assert rows[1] == ["Withholds the whole trial from analysis"]
    assert "could not be judged (KeyError)" in rows[2][1]


@pytest.mark.parametrize(
    ("lives", "first", "command"),
    [
        ([life(TEXT, open=1, overdue=1)], "Settle the 1 overdue query on Time Use Survey:", "--overdue"),
        ([life(TEXT, returned=2)], "Settle the 2 open queries on Time Use Survey:", "demo"),
        ([life(RANGE, "critical", answered=2)], "Nothing: 2 answers wait for the next delivery", ""),
        ([life(TEXT, resolved=5)], "Nothing: no query waits for an answer.", ""),
        ([], "Nothing: no query waits for an answer.", ""),
    ],
)
def test_what_to_do_first_is_the_gravest_that_somebody_can_do(lives, first, command):
    """An answered query is the next delivery's to bear out."""
    night = content(history=history(lives=lives))
    state = state_of(night, queries_by_rule(night))
    assert state.first.startswith(first)
    assert state.command.endswith(command)


def test_counts_by_form_are_those_of_the_book():
    """Records in, accepted, set aside; open by severity; answered, overdue; new, returned, resolved since."""
    lives = [life(RANGE, "critical", new=2, returned=1, overdue=1), life(TEXT, answered=4, resolved=7)]
    changes = [
        ("time_use", RANGE, "new", 2),
        ("time_use", TEXT, "resolved", 3),
        ("time_use", TEXT, "open", 9),
    ]
    page = render_validation(content(history=history(2, lives, changes)))
    rows = {row[0]: row[1:] for row in table(page, "forms-table")}
    assert rows["Time Use Survey"] == ["10", "9", "1", "3", "4", "0", "4", "1", "2", "0", "3"]
    assert rows["All forms"] == ["80", "72", "8", "3", "4", "0", "4", "1", "2", "0", "3"]
    assert "New since 1 Mar" in " ".join(table(page, "forms-table")[0])
    assert [row[0] for row in table(page, "rules-table")][1:] == [
        "Critical: 3 open queries", "Time Use Survey", "Warning: 4 open queries", "Time Use Survey",
    ]  # fmt: skip


def test_what_changed_since_the_night_before_names_the_files():
    """A night that changed nothing and one that changed a file are read differently."""
    files = tuple(Delivered(f, f"{f}.csv", "ab" * 32, 1, START, 10, f == "sessions") for f in TRIAL.forms)
    night = content(history=history(2), files=files)
    facts = state_of(night, queries_by_rule(night)).facts
    assert facts["Since the night before"] == "the data changed since 1 March 2026 (files: SRT sessions held)"
    same = history(2)
    same["nights"]["data_hash"] = "data 0"
    night = content(history=same)
    facts = state_of(night, queries_by_rule(night)).facts
    assert facts["Since the night before"] == "neither data nor plan nor program changed since 1 March 2026"


def test_one_night_says_that_the_trend_begins():
    """A figure of one point says nothing."""
    nights = nights_of(content())
    assert trend_figure(nights, TRIAL) == ""
    assert trend_in_words(nights) == BEGINS


def test_the_figure_says_in_words_what_it_shows_and_fetches_nothing():
    """It is read aloud too, and follows the page's colours."""
    nights = nights_of(content(history=history(5)))
    svg, words = trend_figure(nights, TRIAL), trend_in_words(nights)
    assert words.startswith(
        "5 nights from 2026-03-01 to 2026-03-05. Open critical queries: 0 at first, 0 at most, 0 now."
    )
    assert "Open warning queries: 4 at first, 8 at most, 8 now." in words
    assert "Records accepted: 90 at first, 94 at most, 94 now." in words
    assert words in svg
    assert 'role="img"' in svg
    assert "var(--arm-2" in svg
    assert svg == trend_figure(nights, TRIAL)


def test_a_withheld_night_is_marked_and_does_not_dwarf_the_others():
    """A broken list of arms asks a thousand questions that say nothing of the data."""
    words = trend_in_words(nights_of(content(history=history(4, withheld=(1,)))))
    assert "Open warning queries: 4 at first, 7 at most, 7 now." in words
    assert "1 night withheld: marked by a cross, without counts." in words


def test_nights_that_were_all_withheld_are_no_trend():
    """And no error either."""
    assert trend_figure(nights_of(content(history=history(3, withheld=(0, 1, 2)))), TRIAL) == ""


def test_a_day_counts_once_by_its_last_night_where_the_trial_is():
    """23:30 and 00:30 UTC in summer are one night in London."""
    told = history(2)
    late = pd.to_datetime(["2026-07-01T23:30Z", "2026-07-02T00:30Z"]).astype("datetime64[us, UTC]")
    told["nights"]["time"], told["trend"]["time"] = late, late
    nights = nights_of(content(history=told))
    assert [str(day) for day in nights.days] == ["2026-07-02"]
    assert nights.queries["warning"].tolist() == [5]


def test_a_clock_that_was_set_back_does_not_make_a_line_run_back():
    """The book keeps nights in the order they came; the picture has them in the order of their days."""
    told = history(4)
    for name in ("nights", "trend"):
        told[name]["time"] = told[name]["time"].array[[0, 2, 1, 3]]
    nights = nights_of(content(history=told))
    assert (nights.days[1:] > nights.days[:-1]).all()
    assert nights.queries["warning"].tolist() == [4, 6, 5, 7]


def test_four_hundred_nights_stay_a_small_picture():
    """A trial of years: lines without markers, and a page that opens at once."""
    told = history(400, unresolved=10)
    svg = trend_figure(nights_of(content(history=told)), TRIAL)
    assert len(svg) < 120_000
    assert trend_in_words(nights_of(content(history=told))).startswith(
        "400 nights from 2026-03-01 to 2027-04-04."
    )


@pytest.mark.parametrize(
    ("expected", "observed", "target", "word"),
    [
        (10, 9, 0.9, "on target"),  # 1 - 0.9 is not 0.1 in floats
        (100, 90, 0.9, "on target"),
        (100, 89, 0.9, "at risk"),
        (100, 85, 0.9, "at risk"),
        (100, 84, 0.9, "below target"),
        (5, 0, 0.9, "below target"),
        (4, 0, 0.9, "too few to tell"),
        (0, 0, 0.9, "none due yet"),
        (100, 10, None, ""),
    ],
)
def test_a_light_changes_at_the_target_and_five_points_below(expected, observed, target, word):
    """The thresholds that the page states."""
    assert light(expected, observed, target)[1] == word


def test_a_sites_light_stands_with_its_word_and_counts():
    """In grey, and read aloud, a colour says nothing."""
    page = render_validation(content())
    rows = {row[0]: row[1:] for row in table(page, "retention-table")}
    assert rows["Norfolk"] == [
        "at risk 17 of 20 (85%)",
        "on target 17 of 20 (85%)",
        "on target 17 of 20 (85%)",
    ]
    assert rows["Birmingham"][0] == "none due yet 0 of 0"
    assert {row[0]: row[3] for row in table(page, "recruitment-table")}["Sussex"] == "11 to go"


def test_sites_are_not_shown_when_the_data_do_not_tell():
    """A night without its randomisation list."""
    said = Page(render_validation(content(followed=None, withheld=True, reasons=("r",)))).text
    assert said.count("Not shown: this night's data do not tell who was randomised") == 2


def test_unblinding_text_is_counted_and_its_queries_are_named():
    """By form and column; the text stands with the query alone."""
    assert table(render_validation(content()), "unblinding-table")[1] == [
        "Time Use Survey", "assessor_note", "2", "aaa111, bbb222",
    ]  # fmt: skip


def test_a_file_that_did_not_come_and_what_the_readers_noticed_are_told():
    """An optional form without a file looks like an empty one otherwise."""
    came = [Delivered(f, f"{f}.csv", "ab" * 32, 1, START, 10) for f in list(TRIAL.forms)[2:]]
    first = Delivered("participants", "p.sav", "cd" * 32, 1, START, 10, n_unreadable=2, absent_columns=("age",),
                      unknown_columns=("extra",), notes=("note: spaces around 4 values were removed.",))  # fmt: skip
    page = render_validation(content(files=(first, Delivered("allocation"), *came)))
    assert table(page, "files-table")[2] == [
        "Randomisation list", "allocation.csv", "did not come; the plan does not require it",
    ]  # fmt: skip
    assert [row[0] for row in table(page, "notes-table")][1:] == [
        "Participants at baseline",
        "2 cells could not be read as the type declared; each is a query.",
        "Declared and not in the file: age.",
        "In the file and not declared: extra.",
        "note: spaces around 4 values were removed.",
    ]


OVERDUE = (
    "qqq999",
    "time_use",
    "assessor_note",
    TEXT,
    "Norfolk",
    "P1015",
    "m9",
    "warning",
    "open",
    "dm",
    START,
)


def test_an_overdue_query_is_named_with_whom_it_is_about():
    """Pseudonymous ids and visits, so that somebody can ring the site."""
    told = history(lives=[life(TEXT, open=1, overdue=1)], overdue=[OVERDUE])
    assert table(render_validation(content(history=told)), "overdue-table")[1] == [
        "qqq999", "warning", "Time Use Survey assessor_note", "Norfolk", "P1015 9 months", "1 March 2026 open", "dm",
    ]  # fmt: skip


def test_while_blinded_a_rule_that_tells_the_arm_names_nobody():
    """Also where the query is older than the blinding."""
    told = history(lives=[life(TEXT, open=1, overdue=1)], overdue=[OVERDUE])
    facts = {**content().facts, "allocation": "shuffled"}
    page = render_validation(content(history=told, facts=facts, telling=frozenset([TEXT])))
    assert "P1015" not in page
    said = " ".join(Page(page).text.split())
    assert "Blinded. This trial is blinded. Nothing here is told by arm" in said
    assert all(arm.label not in said.replace(TRIAL.title, "") for arm in TRIAL.arms)


def test_a_run_that_is_not_as_locked_says_so_loudly():
    """As the report does."""
    lock = {
        "status": "differs",
        "differs": ["data_hash"],
        "by": "Dr A",
        "locked": "2026-02-01T00:00:00+00:00",
    }
    page = render_validation(content(facts={**content().facts, "lock": lock}))
    assert '<p class="mark not-as-locked" role="note"><strong>NOT AS LOCKED: the data are' in page


def test_the_page_fetches_nothing_and_its_links_stay_in_the_folder():
    """Closed networks, and a folder that is copied elsewhere as a whole."""
    page = Page(render_validation(content(history=history(5, [life(TEXT, open=1, overdue=1)]))))
    assert page.fetched == []
    assert len(page.ids) == len(set(page.ids))
    outside = {link for link in page.links if not re.fullmatch(r"#[a-z-]+|docs/[a-z_]+\.html", link)}
    assert outside == set()
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_same_content_gives_the_same_bytes():
    """Nothing depends on the clock or on chance."""
    assert render_validation(content(history=history(5))) == render_validation(content(history=history(5)))


def test_a_night_that_could_not_be_judged_is_told_at_the_head_and_taken_back():
    """Last night's page under a silent failure would be read as tonight's."""
    page = render_validation(content())
    told = with_notice(page, TRIAL, START, ["No file <x>."])
    assert "The night of 1 March 2026, 02:00 GMT could not be judged." in told
    assert "<li>No file &lt;x&gt;.</li>" in told
    assert told.index("could not be judged") < told.index("<h1>")
    again = with_notice(told, TRIAL, START + timedelta(days=1), ["Still."])
    assert again.count("could not be judged") == 1
    assert without_notice(again) == page


def test_a_first_night_that_could_not_be_judged_has_a_page_that_says_so():
    """And nothing is left of it once it is taken back."""
    told = with_notice("", TRIAL, START, ["No file."])
    assert "No night has been judged yet." in told
    assert "No night has been judged yet." in with_notice(told, TRIAL, START, ["No file."])
    assert without_notice(told) == ""
