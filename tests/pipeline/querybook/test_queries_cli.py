"""`srt queries`: what a data manager types, and what comes of it."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import audit
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.querybook.book import open_book
from pipelines.querybook.record import record_night

ROOT = Path(__file__).parents[3]
A, B, C = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, night, query):
    """Keep one night of the demonstration trial, twenty days ago."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    home = Home(tmp_path / "home").ready()
    found = [
        query(A, severity="critical", participant="P0042", value="marker-77", owner="trial manager"),
        query(B, site="Sussex", form="time_use", rule="time_use.range.y", message="Another rule. " * 12),
        query(C, site="Sussex", severity="info"),
    ]
    record_night(open_book(home), night(0, *found, trial="demo", time=datetime.now(UTC) - timedelta(days=20)))
    return home


def srt(*arguments):
    return entry.run_command_line(["queries", *arguments])


def listed(capsys, *options):
    capsys.readouterr()
    assert srt("demo", *options, "--json") == 0
    return json.loads(capsys.readouterr().out)


def ids(capsys, *options):
    return {row["query_id"] for row in listed(capsys, *options)["queries"]}


def test_the_list_fits_a_terminal_and_begins_with_the_gravest(capsys):
    """100 columns; the question in full above its rows."""
    assert srt("demo") == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    assert shown.index("CRITICAL") < shown.index("WARNING") < shown.index("INFO")
    for part in (A, B, C, "P0042", "marker-77", "20 late", "3 queries of 3 in demo: 3 new, 3 overdue"):
        assert part in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {A, B, C}),
        (["--form", "time_use"], {B}),
        (["--site", "sussex"], {B, C}),
        (["--owner", "Trial Manager"], {A}),
        (["--severity", "critical"], {A}),
        (["--participant", "p0042"], {A}),
        (["--rule", "range.y"], {B}),
        (["--status", "new"], {A, B, C}),
        (["--status", "open"], set()),
        (["--status", "resolved", "--status", "answered"], set()),
        (["--overdue"], {A, B, C}),
        (["--since", "2020-01-01"], {A, B, C}),
        (["--since", "2999-01-01"], set()),
        (["--id", A.upper()], {A}),
        (["--site", "Sussex", "--severity", "info"], {C}),
    ],
)
def test_filters_narrow(capsys, options, expected):
    """Each alone, and together."""
    assert ids(capsys, *options) == expected


def test_what_is_asked_in_vain_names_what_there_is(capsys):
    """Nobody knows the names by heart."""
    assert srt("demo", "--site", "Mars", "--id", "nope") == 0
    said = capsys.readouterr().err
    assert "No site is named 'Mars'; there are: Norfolk, Sussex" in said
    assert "No query has the id nope." in said
    assert srt("demo", "--status", "bad") == 2
    assert srt("demo", "--severity", "bad") == 2


def test_the_word_list_may_be_left_out_but_not_mistaken(capsys):
    """`srt queries TRIAL` is what people type."""
    assert srt("list", "demo") == 0
    full = capsys.readouterr().out
    assert srt("demo") == 0
    assert capsys.readouterr().out == full
    assert srt("--severity", "info", "demo", "--json") == 0
    assert srt("no_such_trial") == 3
    assert srt("--help") == 0
    assert "history" in capsys.readouterr().out


def test_a_life_by_hand(capsys):
    """Noted, answered, reopened, closed, given away: all in the history with who and why."""
    assert srt("note", "demo", A, "--text", "asked by phone", "--by", "Ann") == 0
    assert srt("answer", "demo", A, "--text", "a typing mistake", "--by", "Bob") == 0
    assert srt("reopen", "demo", A, "--text", "which value is right?") == 0
    assert srt("assign", "demo", A, "--owner", "Cas") == 0
    assert srt("close", "demo", A, "--reason", "true, source seen", "--yes", "--by", "Ann") == 0
    capsys.readouterr()
    assert srt("history", "demo", A, "--json") == 0
    events = json.loads(capsys.readouterr().out)["events"]
    assert [(e["who"], e["what"], e["to_status"]) for e in events][:3] == [
        ("the data", "found", "new"), ("Ann", "note", "new"), ("Bob", "answer", "answered"),
    ]  # fmt: skip
    assert [e["to_status"] for e in events][3:] == ["open", "open", "resolved"]
    assert events[-1]["note"] == "true, source seen"
    assert A not in ids(capsys)
    assert ids(capsys, "--status", "resolved") == {A}
    (row,) = listed(capsys, "--id", A)["queries"]
    assert (row["owner"], row["answer"], row["note"]) == ("Cas", "a typing mistake", "true, source seen")


def test_closing_wants_a_reason_and_a_yes(capsys, monkeypatch):
    """It is the one change that lets a wrong value be."""
    assert srt("close", "demo", A, "--yes") == 2
    assert srt("close", "demo", A, "--reason", "  ", "--yes") == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert srt("close", "demo", A, "--reason", "fine") == 2
    assert listed(capsys)["counts"]["resolved"] == 0


def test_what_cannot_be_done_says_so_and_leaves_with_3(capsys):
    """A mistyped id, a step that makes no sense."""
    assert srt("answer", "demo", "nope", "--text", "x") == 3
    assert "no query nope in demo" in capsys.readouterr().err
    assert srt("reopen", "demo", A) == 3
    assert srt("history", "demo", "nope") == 3


def test_each_change_is_in_the_audit_log_without_what_was_said(home):
    """Who and when, and a hash of the words: they may quote a value."""
    assert srt("note", "demo", A, "--text", "value was marker-77", "--by", "Ann") == 0
    (entry_,) = audit.listed(home, "demo")
    assert (entry_.who, entry_.what, entry_.facts["queries"]) == ("Ann", "queries: note", [A])
    assert len(entry_.facts["text_sha256"]) == 64
    assert "marker-77" not in entry_.line().decode()
    assert srt("reopen", "demo", A) == 3
    assert len(audit.listed(home, "demo")) == 1, "what was refused was not done"


def test_answers_are_taken_whole_or_not_at_all(capsys, tmp_path):
    """--dry-run shows what would change; one wrong line stops all."""
    file = tmp_path / "answers.csv"
    file.write_text(f"query_id,answer,status\n{A},yes,\n{B},true so,resolved\n{C},,\n")
    assert srt("import", "demo", str(file), "--dry-run") == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert ids(capsys, "--status", "new") == {A, B, C}
    assert srt("import", "demo", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["changes"] == [
        {"query_id": A, "change": "answer", "from": "new", "to": "answered"},
        {"query_id": B, "change": "close", "from": "new", "to": "resolved"},
    ]
    file.write_text(f"query_id,answer\n{C},fine\n{B},again\nnope,x\n")
    assert srt("import", "demo", str(file)) == 3
    said = capsys.readouterr().err
    assert "answers.csv, line 3" in said
    assert "answers.csv, line 4" in said
    assert ids(capsys, "--status", "new") == {C}


def test_files_are_written_for_their_owner_and_never_over_others(capsys, tmp_path):
    """A site's answers may stand in the file of that name."""
    files = [
        "--csv",
        str(tmp_path / "q.csv"),
        "--xlsx",
        str(tmp_path / "q.xlsx"),
        "--by-site",
        str(tmp_path / "s"),
    ]
    assert srt("demo", *files) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "confidential" in shown.err
    written = [tmp_path / "q.csv", tmp_path / "q.xlsx", *sorted((tmp_path / "s").iterdir())]
    assert [p.name for p in written] == ["q.csv", "q.xlsx", "Norfolk.xlsx", "Sussex.xlsx"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in written)
    with (tmp_path / "q.csv").open(encoding="utf-8-sig") as text:
        assert [row["query_id"] for row in csv.DictReader(text)] == [A, B, C]
    before = (tmp_path / "q.csv").read_bytes()
    (tmp_path / "q.xlsx").write_bytes(b"answers")
    assert srt("demo", *files) == 7
    assert (tmp_path / "q.csv").read_bytes() == before
    assert srt("demo", *files, "--force") == 0
    assert [p.read_bytes() for p in tmp_path.glob("q.before-*.xlsx")] == [b"answers"]


def test_no_message_of_a_failure_shows_a_value(capsys, tmp_path, monkeypatch):
    """Only the listing does; a log or an error must not."""
    file = tmp_path / "answers.csv"
    file.write_text(f"query_id,answer,status\n{A},=marker-77,\n{A},x,marker-77\n")
    assert srt("import", "demo", str(file)) == 4
    assert "marker-77" not in capsys.readouterr().err
    (tmp_path / "home" / "queries.sqlite").write_bytes(b"marker-77 " * 1000)
    for beside in (tmp_path / "home").glob("queries.sqlite-*"):
        beside.unlink()
    assert srt("demo") == 7
    assert "marker-77" not in capsys.readouterr().err


def test_before_the_first_check_there_is_nothing_and_nothing_is_made(capsys, tmp_path, monkeypatch):
    """A look must not leave files behind."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "other"))
    assert srt("demo") == 4
    assert "`srt check demo` makes them." in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_value_cannot_move_the_cursor(capsys, home, night, query):
    """An escape sequence in an export would rewrite the screen."""
    evil = query("dddddddddddd", value="a\x1b[2Jb", participant="P\x07")
    record_night(open_book(home), night(1, evil, trial="demo", time=datetime.now(UTC)))
    assert srt("demo") == 0
    assert "\x1b[2J" not in capsys.readouterr().out


def test_a_list_cut_for_the_terminal_says_so(capsys):
    """No silent end."""
    assert srt("demo", "--limit", "1") == 0
    shown = capsys.readouterr().out
    assert "The first 1 are shown" in shown
    assert B not in shown


def test_the_command_prints_nothing_else(home):
    """As another program calls it."""
    argv = [sys.executable, "-m", "pipelines.cli", "queries", "demo", "--json"]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(json.loads(ended.stdout)["queries"]) == 3
    assert ended.stderr == ""
