"""A blinded trial's closed report, from its exports to its files: on the true allocation, which nobody else sees.

The real hops and the real judge, on the demonstration trial declared blinded.
"""

import csv
import hashlib
import io
import json
import re
import stat
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from analysis.derive.analysis_set import build_analysis_set
from analysis.estimators.plan import run_analyses
from analysis.reporting.audiences.closed import closed_content
from analysis.reporting.audiences.closed_sections import NEVER_BOTH
from analysis.reporting.audiences.coded import Words, draw_letters
from analysis.reporting.content import ReportContent
from assets import source_version
from data_contracts.load import SHIPPED_TRIALS, find_trial
from pipelines import audit, closed, store
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.keys import secret_key
from pipelines.landing_data import write_simulated
from pipelines.trials import load_named

pytestmark = pytest.mark.slow
NAME = "demo"
FILES = ("report-closed.html", "report-closed.docx", "results-closed.csv")
ASK = ["report", NAME, "--audience", "closed", "--by", "Dr C", "--why", "DMC meeting 2"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a state folder in which the blinded trial has run once, and its closed report was asked for."""
    root = tmp_path_factory.mktemp("closed")
    with pytest.MonkeyPatch.context() as patch:
        text = (SHIPPED_TRIALS / "demo.toml").read_text().replace("open_because", "# open_because")
        (root / "own").mkdir()
        (root / "own" / "demo.toml").write_text(text)
        patch.setenv("SRT_TRIALS", str(root / "own"))
        patch.setenv("SRT_HOME", str(root / "home"))
        home = Home(root / "home")
        write_simulated(load_named(NAME).trial, home.landing(NAME))
        assert entry.run_command_line(["run", NAME]) == 0
        before = contents(home, "store", "reports")
        assert entry.run_command_line(ASK) == 0
        assert contents(home, "store", "reports") == before, "nothing of the truth is stored in the open"
        yield home


def contents(home, *folders):
    paths = [path for name in folders for path in (home.root / name).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in paths}


def text_of(path):
    """Return what a reader sees of a page, a Word document or a table."""
    if path.suffix == ".html":
        body = re.sub(r"<(style|script)\b.*?</\1>", " ", path.read_text(), flags=re.DOTALL)
        return re.sub(
            r"\s+",
            " ",
            re.sub(r"<[^>]*>", " ", body) + " ".join(re.findall(r'(?:alt|title|aria-label)="([^"]*)"', body)),
        )
    if path.suffix == ".docx":
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            parts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")]
        return re.sub(r"<[^>]*>", " ", " ".join(parts)) + " ".join(
            re.findall(r'descr="([^"]*)"', " ".join(parts))
        )
    return path.read_text()


@pytest.fixture(scope="module")
def coded(home):
    return pd.read_csv(home.closed(NAME) / "results-closed.csv", keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def final(home):
    """Return the results as they will be once the trial is unblinded: from the exports, with nothing blinded."""
    accepted = closed.true_records(
        home, load_named(NAME).trial, store.read_tables(home.store(NAME, "accepted"))
    )
    listed = pd.read_csv(home.landing(NAME) / "allocation.csv").set_index("pid")["allocation"]
    arms = accepted["allocation"].set_index("participant")["arm"]
    expected = listed.replace({"TAU": "UC", "SRT+UC": "SRT"}).reindex(arms.index)
    assert (arms.astype(str) == expected.astype(str)).all(), "the allocation of the list itself"
    return analysed(accepted)[0]


def analysed(records):
    """Return the results of records, and what was left aside for them."""
    trial = load_named(NAME).trial
    derived = build_analysis_set(records, trial)
    return run_analyses(derived.frame, trial, derived.course), tuple(derived.notes)


def test_its_files_are_its_owners_alone(home):
    """A folder that others may list, or a file they may read, would undo the rest."""
    folder = home.closed(NAME)
    assert {path.name for path in folder.iterdir()} == {
        "report-closed.html", "report-closed.docx", "results-closed.csv",
    }  # fmt: skip
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_it_is_in_the_audit_log_with_who_and_why(home):
    """Whoever has seen differences between the true arms can be named."""
    asked, made = [line for line in audit.listed(home, NAME) if line.what in {closed.ASKED, closed.MADE}][:2]
    assert [line.what for line in (asked, made)] == ["closed report asked for", "closed report made"]
    for line in (asked, made):
        assert (line.who, line.why) == ("Dr C", "DMC meeting 2")
        assert line.facts["plan_hash"] == load_named(NAME).trial.plan_hash
    assert "files" not in asked.facts, "before anything is read"
    folder = home.closed(NAME)
    assert made.facts["files"] == {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()
    }


def test_a_report_that_fails_was_asked_for_and_not_made(home, monkeypatch):
    """The log must not say that somebody has it, nor be silent on who saw the allocation joined."""

    def fails(*_):
        raise OSError(28, "No space left on device")

    before = len(audit.listed(home, NAME))
    monkeypatch.setattr(closed, "_files", fails)
    assert entry.run_command_line(ASK) != 0
    assert [line.what for line in audit.listed(home, NAME)[before:]] == [closed.ASKED]


def test_nobody_asks_for_it_without_a_name_and_a_reason(home):
    """Like a query that tells an arm."""
    assert entry.run_command_line(ASK[:4]) == 2
    assert entry.run_command_line([*ASK[:4], "--by", "Dr C"]) == 2


@pytest.mark.parametrize("file", ["report-closed.html", "report-closed.docx", "results-closed.csv"])
def test_no_text_of_it_names_an_arm_or_tells_the_therapy(home, file):
    """Labels, codes, other spellings, and the words assessors must not write; nor who had sessions."""
    text = text_of(home.closed(NAME) / file)
    words = Words(load_named(NAME).trial)
    assert words.has("the SRT arm"), "the search finds what is there"
    assert len(text) > 10_000
    assert re.findall(rf".{{0,40}}(?:{words._pattern.pattern}).{{0,40}}", text) == []
    assert not re.search(r"received therapy|no therapy|per protocol|adequate dose arm|complier average", text)
    assert "shuffled" not in text.replace(NEVER_BOTH, "").casefold()


def test_a_less_b_is_the_final_difference_or_its_negative(home, coded, final):
    """With the same error, degrees of freedom and p-value, for every analysis that is shown."""
    trial = load_named(NAME).trial
    letters = draw_letters(trial, secret_key(home, NAME, closed.LETTERS))
    sign = -1 if letters.is_turned else 1
    place = ["analysis", "visit", "statistic", "at"]
    of = [frame[frame["statistic"].eq("adjusted mean difference")].fillna({"visit": "", "at": ""}).set_index(place)
          for frame in (coded, final)]  # fmt: skip
    assert len(of[0]) > 20
    assert set(of[0]["contrast"]) == {"A - B"}
    both = of[0].join(of[1], suffixes=("_coded", "_final"), how="left")
    for name, factor in (("value", sign), ("se", 1), ("df", 1), ("p_value", 1)):
        a, b = both[f"{name}_coded"].astype(float), factor * both[f"{name}_final"].astype(float)
        assert ((a - b).abs() <= 5.1e-6 * b.abs()).loc[b.notna()].all(), f"{name}, to six significant digits"
    shown, true = (
        frame[frame["analysis"].eq("primary") & frame["statistic"].eq("adjusted mean")]
        for frame in (coded, final)
    )
    assert set(zip(shown["arm"], shown["value"], strict=True)) == {
        (letters.of[arm], float(f"{value:.6g}"))
        for arm, value in zip(true["arm"], true["value"], strict=True)
    }


def test_what_is_held_apart_of_another_run_is_refused(home):
    """Arms of one delivery with the outcomes of another would be nobody's."""
    folder = home.allocation(NAME) / "raw" / "manifest.json"
    whole = folder.read_text()
    folder.write_text(re.sub(r'("data_hash": ")[0-9a-f]{6}', r"\g<1>000000", whole))
    try:
        assert entry.run_command_line(ASK) == 7
    finally:
        folder.write_text(whole)


NUMBERS = ("value", "se", "df", "lower", "upper", "p_value", "p_adjusted")
OWN_HASH = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")  # of results-closed.csv, on the page


@pytest.fixture(scope="module")
def swapped(home):
    """Return the closed report's files twice: as they are, and with each arm under the other's name and letter."""
    trial = load_named(NAME).trial
    accepted = store.read_tables(home.store(NAME, "accepted"))
    records = closed.true_records(home, trial, accepted)
    of = draw_letters(trial, secret_key(home, NAME, closed.LETTERS)).of
    keys = (bytes([n]) * 32 for n in range(256))
    other = next(key for key in keys if draw_letters(trial, key).of["UC"] == of["SRT"])
    same = secret_key(home, NAME, closed.LETTERS)
    listed = records["allocation"]
    renamed = listed["arm"].astype(str).map({"UC": "SRT", "SRT": "UC"}).astype(listed["arm"].dtype)
    turned = {**records, "allocation": listed.assign(arm=renamed)}
    return files_of(home, records, same), files_of(home, turned, other)


def files_of(home, records, key):
    checked = store.read_tables(home.store(NAME, "checked")).frames
    results, notes = analysed(records)
    made = {"time": "2026-01-01", "triggered_by": "Dr C", "reason": "a test", "run_id": "one", "lock": {}}
    content = ReportContent(
        load_named(NAME).trial,
        results,
        checked["counts"],
        checked["findings"],
        closed._no_queries(),
        made,
        notes,
    )
    return closed._files(closed_content(content, key))


def test_the_file_of_numbers_is_the_same_with_the_arms_names_exchanged(swapped):
    """Nothing in it tells which letter the reference has: no order, no tail of an inverse, no sign of a zero.

    A fit that ends when its steps are small ends elsewhere: at most one cell in a thousand, by a digit.
    """
    one, other = (
        list(csv.DictReader(io.StringIO(files["results-closed.csv"].decode()))) for files in swapped
    )
    assert len(one) == len(other) > 1500
    cells = [(name, a[name], b[name]) for a, b in zip(one, other, strict=True) for name in a]
    assert not [cell for cell in cells if cell[0] not in NUMBERS and cell[1] != cell[2]]
    differing = [(a, b) for name, a, b in cells if a != b]
    assert len(differing) <= len(cells) / 1000
    assert all(abs(float(a) - float(b)) <= 1.01e-5 * abs(float(a)) for a, b in differing)


def test_the_page_is_the_same_with_the_arms_names_exchanged(swapped):
    """Text, tables, figures, and what stands behind them; but for the hash of the file of numbers."""
    one, other = (OWN_HASH.sub(b"-", files["report-closed.html"]) for files in swapped)
    assert one == other


def test_the_document_reads_the_same_with_the_arms_names_exchanged(swapped, tmp_path):
    """Its pictures too."""
    parts = []
    for files in swapped:
        with zipfile.ZipFile(io.BytesIO(files["report-closed.docx"])) as archive:
            parts.append({name: OWN_HASH.sub(b"-", archive.read(name)) for name in archive.namelist()})
    assert parts[0] == parts[1]


def test_each_number_has_six_significant_digits_and_no_zero_a_sign(home):
    """As the text of the file has them."""
    rows = list(csv.DictReader((home.closed(NAME) / "results-closed.csv").read_text().splitlines()))
    numbers = [row[name] for row in rows for name in NUMBERS if row[name]]
    assert len(numbers) > 2000
    assert [n for n in numbers if float(n) != float(f"{float(n):.6g}")] == []
    assert [n for n in numbers if float(n) == 0 and n.startswith("-")] == []
    assert not {row["statistic"] for row in rows} & {"second route", "agreement"}


def test_it_says_who_must_not_have_it_and_what_it_leaves_out(home, capsys):
    """In the report, and to whoever makes it."""
    folder = home.closed(NAME)
    for name in ("report-closed.html", "report-closed.docx"):
        assert NEVER_BOTH in text_of(folder / name)
    assert entry.run_command_line(ASK) == 0
    told = capsys.readouterr()
    assert "Never give it to anybody who sees the final report on the shuffled allocation" in " ".join(
        told.err.split()
    )
    assert told.out.split() == [str(folder / name) for name in FILES]


def test_json_names_every_file(home, capsys):
    """For a script that hands them over."""
    assert entry.run_command_line([*ASK, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == told["files"][0]
    assert told["files"] == [str(home.closed(NAME) / name) for name in FILES]


def test_nothing_untrue_is_said_of_queries_records_and_the_run(home):
    """There are queries, and records of therapy; the run is known."""
    text = text_of(home.closed(NAME) / "report-closed.html")
    for untrue in (
        "open queries",
        "No query was ever raised",
        "not recorded",
        "records read",
        "coded a and b",
    ):
        assert untrue not in text, untrue
    for true in ("true, arms by letters", "are not listed here", "Not shown, since they tell the arms", "coded A and B",
                 store.read_facts(home.store(NAME, "report"))["run_id"],
                 hashlib.sha256((home.closed(NAME) / "results-closed.csv").read_bytes()).hexdigest()):  # fmt: skip
        assert true in text, true


def test_another_plan_than_the_last_runs_is_refused_until_it_has_run(home, capsys):
    """Its hash would stand over results of the other plan."""
    path, before = Path(find_trial(NAME)), len(audit.listed(home, NAME))
    whole, files = path.read_text(), contents(home, "closed")
    path.write_text(whole.replace('plan_version = "1.0"', 'plan_version = "1.1"'))
    try:
        assert entry.run_command_line(ASK) == 7
    finally:
        path.write_text(whole)
    said = " ".join(capsys.readouterr().err.split())
    assert "the plan changed since the last run" in said
    assert f"`srt run {NAME}` first" in said
    assert contents(home, "closed") == files
    assert len(audit.listed(home, NAME)) == before, "nothing was read"


def test_another_program_than_the_last_runs_is_refused(home, capsys, monkeypatch):
    """The analyses run anew, and might give other numbers than that program did."""
    monkeypatch.setattr(source_version, "source_version", lambda _parts: "0" * 16)
    assert entry.run_command_line(ASK) == 7
    assert "the program changed since the last run" in " ".join(capsys.readouterr().err.split())


def test_how_it_stands_to_the_lock_is_found_out_as_it_is_made(home):
    """The lock came after the run that it is made from."""
    sign = ["--by", "Dr A", "--why", "last visit entered"]
    page = home.closed(NAME) / "report-closed.html"
    assert "not locked" in text_of(page)
    assert entry.run_command_line(["lock", NAME, *sign]) == 0
    try:
        assert entry.run_command_line(ASK) == 0
        assert re.search(r"as locked on \d{4}-\d\d-\d\d by Dr A", text_of(page))
    finally:
        assert entry.run_command_line(["unlock", NAME, *sign, "--yes"]) == 0
