"""The index page as runs and people leave it: published, withheld, failed, quiet, blinded, broken, two at once.

The rules are judged by a stand-in for Great Expectations, whose import alone would cost more than all these tests.
"""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from data_contracts.errors import ContractError, ReadError, StorageError
from data_contracts.load import SHIPPED_TRIALS
from data_contracts.standing import MARK
from data_contracts.tables import Tables
from pipelines import index_page, last_run, run, store
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.index_page import index_path, trial_lines, write_index
from pipelines.landing_data import make_data
from pipelines.trials import load_named

NAME = "beat_the_blues"
HOLDS = """
import sys
from pathlib import Path
from pipelines import locks
lock = locks.take(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""
WRITES = """
from pipelines.home import find_home
from pipelines.index_page import write_index
for _ in range(5):
    write_index(find_home())
"""
SENTENCE = "Depression was lower with the programme."


@pytest.fixture
def home(tmp_path, monkeypatch, judge):
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    made = Home(tmp_path / "home").ready()
    make_data(NAME, made.landing(NAME))
    return made


def line_of(home, trial=NAME):
    return next(line for line in trial_lines(home, datetime.now(UTC)) if line.trial == trial)


def section_of(home, trial=NAME):
    page = index_path(home).read_text()
    found = re.search(rf'<section class="trial" id="trial-{trial}".*?</section>', page, re.DOTALL).group()
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def published(home, allocation, **more):
    """Store a published result, as a run of some allocation would."""
    facts = {"estimated": True, "allocation": allocation, "headlines": [{"sentence": SENTENCE, "detail": ""}]}
    store.write_tables(home.store(NAME, "report"), Tables({}, {**facts, **more}))
    home.reports(NAME).mkdir(parents=True, exist_ok=True)
    for name in ("report.html", "report-SHUFFLED.html"):
        (home.reports(NAME) / name).write_text("a report")


def blind(tmp_path):
    text = (SHIPPED_TRIALS / f"{NAME}.toml").read_text().replace("open_because", "# open_because")
    (tmp_path / "own" / f"{NAME}.toml").write_text(text)


def test_after_a_run_the_page_names_it_and_leads_to_its_pages(home):
    """Written by the run itself: nobody has to think of it."""
    summary = run.run_trial(NAME)
    said, line = section_of(home), line_of(home)
    assert summary.run_id in said
    assert said.count("Published") == 1
    sentence = store.read_facts(home.store(NAME, "results"))["headlines"][0]["sentence"]
    assert sentence in said.replace("\N{NO-BREAK SPACE}", " ")
    assert line.links["Report"] == f"{NAME}/report.html"
    for address in line.links.values():
        assert (index_path(home).parent / address).is_file(), address


def test_a_withheld_night_says_so_and_why(home, judge):
    """The run fails; the page is there all the same."""
    judge.broken = ("withhold",)
    with pytest.raises(ContractError):
        run.run_trial(NAME)
    said = section_of(home)
    assert "Withheld" in said
    reason = store.read_facts(home.store(NAME, "checked"))["reasons"][0]
    assert reason.partition("(")[0] in said
    assert line_of(home).links["Validation report"] == f"{NAME}/validation/index.html"


def test_a_check_alone_is_no_failure(home):
    """Nothing more was asked for."""
    run.run_trial(NAME, select="checked")
    assert line_of(home).outcome == "checked"


def test_a_night_that_could_not_take_the_files_in_has_failed_until_one_goes_well(home, capsys):
    """Such a run stores nothing: without a note of its own it would look as if it had never been."""
    published(home, "true")
    (file,) = home.landing(NAME).glob("*.csv")
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(ReadError):
        run.run_trial(NAME)
    assert "Failed" in section_of(home)
    assert entry.run_command_line(["trials", "--json"]) == 0
    told = {one["trial"]: one["status"] for one in json.loads(capsys.readouterr().out)["trials"]}
    assert told[NAME] == line_of(home).outcome == "failed", "the terminal and the page say the same"
    file.write_bytes(content)
    run.run_trial(NAME, select="checked")
    assert "Failed" not in section_of(home)


def ending(reached):
    return last_run.Ending("a-run", datetime.now(UTC), {NAME: reached}, {})


def test_a_quiet_night_leaves_the_page_alone_unless_the_night_before_went_wrong(home):
    """Most nights bring nothing, and must cost little."""
    index_page.keep_index(home, ending("published"), {NAME: None})
    before = index_path(home).stat().st_mtime_ns
    index_page.keep_index(home, ending("unchanged"), {NAME: last_run.last_run(home, NAME)})
    assert index_path(home).stat().st_mtime_ns == before
    index_page.keep_index(home, ending(""), {NAME: last_run.last_run(home, NAME)})
    assert "Failed" in section_of(home)
    index_page.keep_index(home, ending("unchanged"), {NAME: last_run.last_run(home, NAME)})
    assert "Failed" not in section_of(home)


@pytest.mark.parametrize(
    ("reached", "hops", "outcome"),
    [
        ("published", (), "published"),
        ("not estimated", (), "not estimated"),
        ("unchanged", ("landing",), "published"),
        ("withheld", (), "withheld"),
        ("checked", (), "failed"),
        ("checked", ("landing", "raw", "checked", "accepted"), "checked"),
        ("received", (), "failed"),
        ("received", ("landing",), "received"),
        ("", (), "failed"),
    ],
)
def test_how_a_run_ended_follows_from_how_far_it_came_and_what_was_asked(reached, hops, outcome):
    """A verdict is the end of a check, and the middle of a run."""
    assert last_run.outcome_of(reached, hops) == outcome


def test_a_run_whose_process_died_is_not_under_way_for_ever(home):
    """Killed in mid-run, it can note nothing; that nobody holds its trial tells it."""
    last_run.begin(home, NAME, "a-run", datetime.now(UTC))
    assert line_of(home).outcome == "failed"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(home.locks), NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        assert line_of(home).outcome == "under way"
        other.stdin.close()


def test_a_trial_with_mistakes_and_one_with_a_damaged_store_are_lines_and_the_page_is_made(home, tmp_path):
    """One broken trial must not hide the others."""
    (tmp_path / "own" / "mistaken.toml").write_text("title = 3\n")
    manifest = home.store("demo", "report") / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{")
    write_index(home)
    assert "srt check mistaken lists them" in section_of(home, "mistaken")
    assert "srt doctor" in section_of(home, "demo")
    assert line_of(home, "demo").outcome == "damaged"
    assert "makes its first report" in section_of(home)


def test_a_trial_nobody_foresaw_is_a_line_too(home, monkeypatch):
    """Whatever it is: its kind is told, and no more of it."""
    monkeypatch.setattr(index_page, "_result", lambda *_: {}["a participant"])
    line = line_of(home)
    assert line.outcome == "damaged"
    assert "(KeyError)" in line.trouble[0]
    assert "a participant" not in " ".join(line.trouble)


def test_a_page_that_cannot_be_written_fails_no_run(home, monkeypatch, caplog):
    """The result stands, whatever a page meets; the log says so."""

    def full(*_):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(index_page, "write_atomically", full)
    assert run.run_trial(NAME, select="checked").status == "success"
    assert "`srt trials --page` writes it" in caplog.text


def test_a_blinded_trials_page_shows_the_shuffled_result_with_its_mark(home, tmp_path):
    """It holds no more than the shuffled report says, and leads to no other."""
    blind(tmp_path)
    published(home, "shuffled")
    write_index(home)
    assert f"Allocation shuffled {MARK} {SENTENCE}" in section_of(home)
    assert line_of(home).links["Report"].endswith("/report-SHUFFLED.html")
    assert line_of(home).blinding == "blinded"


@pytest.mark.parametrize("unclear", [False, True])
def test_a_result_of_the_true_arms_is_not_shown_of_a_trial_that_is_blinded_now(home, tmp_path, unclear):
    """Its file may have been declared open before; or nothing vouches for how it stands."""
    published(home, "true")
    blind(tmp_path)
    if unclear:
        (home.audit / "standing").mkdir(parents=True)
        (home.audit / "standing" / f"{NAME}.json").write_text("{")
    write_index(home)
    assert SENTENCE not in index_path(home).read_text()
    assert not {"Report", "Report (Word)"} & set(line_of(home).links)
    assert load_named(NAME).trial.blinding.is_declared_open is False


def test_a_held_query_book_costs_the_counts_alone(home, monkeypatch):
    """Somebody answers queries just then."""
    home.database.write_bytes(b"this is no database, and long enough to be looked at" * 20)
    assert line_of(home).queries is None


def test_two_runs_that_end_at_once_leave_one_whole_page(home):
    """Each is written by itself and put in place in one step."""
    published(home, "true")
    processes = [subprocess.Popen([sys.executable, "-c", WRITES]) for _ in "ab"]
    torn = []
    while any(process.poll() is None for process in processes):
        if index_path(home).exists() and not index_path(home).read_text().rstrip().endswith("</html>"):
            torn.append(1)
    assert [process.returncode for process in processes] == [0, 0]
    assert not torn
    assert [path.name for path in index_path(home).parent.glob(".tmp_*")] == []
    assert SENTENCE in section_of(home)


def test_locking_a_trial_rewrites_the_page(home, monkeypatch, tmp_path):
    """The lock state is on it."""
    from pipelines import lock

    blind(tmp_path)
    write_index(home)
    monkeypatch.setattr(lock, "_published", lambda *_: {})
    assert entry.run_command_line(["lock", NAME, "--by", "A. Reader", "--why", "all data are in"]) == 0
    assert "by A. Reader" in section_of(home)
