"""A blinded trial from its exports to its unblinding: what is stored in the open says nothing of the arms.

The real hops and the real judge, on the demonstration trial declared blinded.
"""

import contextlib
import hashlib
import json
import re
import zlib
from pathlib import Path

import docx
import pandas as pd
import pyreadstat
import pytest

from data_contracts.load import SHIPPED_TRIALS
from data_contracts.standing import MARK
from pipelines import audit, store
from pipelines.blinding import full_queries, held_apart
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.landing_data import write_simulated
from pipelines.trials import load_named

pytestmark = pytest.mark.slow
NAME = "demo"  # a unit's own file of that name: only the demonstration trials' data can be made
SECRET = ("allocation", "keys", "custody", "landing")
MANY = 12  # records of a small site


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a state folder in which the blinded trial has run once."""
    root = tmp_path_factory.mktemp("blinded")
    with pytest.MonkeyPatch.context() as patch:
        declare(root, patch)
        home = Home(root / "home")
        landing = home.landing(NAME)
        write_simulated(load_named(NAME).trial, landing)
        tell_the_arm(landing)
        assert entry.run_command_line(["run", NAME]) == 0
        yield home


def declare(root, patch):
    text = (SHIPPED_TRIALS / "demo.toml").read_text().replace("open_because", "# open_because")
    (root / "own").mkdir()
    (root / "own" / "demo.toml").write_text(text)
    patch.setenv("SRT_TRIALS", str(root / "own"))
    patch.setenv("SRT_HOME", str(root / "home"))


def tell_the_arm(landing):
    """Put a session of somebody in the other arm into the exports: to name who it is would tell the arm."""
    for left in landing.glob("sessions*.json"):
        left.unlink()
    sessions, outsider = pd.read_csv(landing / "sessions.csv"), true_arms(landing)
    odd = sessions.iloc[[0]].assign(pid=outsider.index[outsider == "UC"][0])
    pd.concat([sessions, odd]).to_csv(landing / "sessions.csv", index=False)


def true_arms(landing):
    arms = pd.read_csv(landing / "allocation.csv").set_index("pid")["allocation"]
    return arms.replace({"TAU": "UC", "SRT+UC": "SRT"})


def table(home, hop, name):
    return store.read_tables(home.store(NAME, hop)).frames[name]


def test_every_table_of_the_run_says_that_its_arms_are_shuffled(home):
    """Whoever opens one table alone must see it."""
    for hop in ("raw", "checked", "quarantine", "queries", "accepted", "analysis_set", "results", "report"):
        assert store.read_facts(home.store(NAME, hop))["allocation"] == "shuffled", hop
    assert set(table(home, "results", "results")["allocation"]) == {"shuffled"}


def test_the_report_the_terminal_and_the_json_say_so_first(home, capsys):
    """A number without its mark is a result."""
    assert entry.run_command_line(["run", NAME, "--if-changed"]) == 0
    assert MARK in " ".join(capsys.readouterr().out.split())
    assert entry.run_command_line(["run", NAME, "--if-changed", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["allocation"]) == ("unchanged", "shuffled")
    page = home.report(NAME).read_text()
    body = page[page.index("<body") :]
    assert body.index(MARK) < body.index("<h1")
    assert 'class="sentence"' in page
    assert all(MARK in sentence for sentence in re.findall(r'<p class="sentence"[^>]*>([^<]*)', page))
    assert "Better than the reference" not in page
    assert "ALLOCATION SHUFFLED" in page, "written across the figure"


def files_of_the_report(home):
    """Return the paths of the report's files, without the validation pages, relative to their folder."""
    folder = home.reports(NAME)
    paths = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return {p.as_posix() for p in paths if p.parts[0] != "validation"}


def test_every_file_by_arm_says_in_its_name_that_its_arms_are_shuffled(home):
    """A file is mailed on without its folder; the open report shows no arm."""
    files = files_of_the_report(home)
    assert {"report-SHUFFLED.html", "report-SHUFFLED.docx", "results-SHUFFLED.csv"} <= files
    assert "data/analysis_set-SHUFFLED.sav" in files
    assert any(name.startswith("figures/") for name in files)
    unmarked = {name for name in files if "SHUFFLED" not in Path(name).name}
    assert all(name.startswith("open/report-open.") for name in unmarked), unmarked


def test_every_page_of_the_word_report_says_so_too(home):
    """Somebody prints it."""
    document = docx.Document(str(home.reports(NAME) / "report-SHUFFLED.docx"))
    for section in document.sections:
        assert MARK in [paragraph.text for paragraph in section.header.paragraphs]
    assert "Better than the reference" not in [paragraph.text for paragraph in document.paragraphs]


def test_the_exported_analysis_set_has_the_shuffled_arms_and_says_so(home):
    """It is opened in SPSS, far from here."""
    read, meta = pyreadstat.read_sav(str(home.reports(NAME) / "data" / "analysis_set-SHUFFLED.sav"))
    assert "SHUFFLED" in meta.column_names_to_labels["arm"]
    shown = read.drop_duplicates("participant").set_index("participant")["arm"].map({0: "UC", 1: "SRT"})
    true = true_arms(home.landing(NAME)).reindex(shown.index)
    assert 0.3 < (shown == true).mean() < 0.7


def test_no_table_in_the_open_joins_participants_with_their_true_arms(home):
    """The arms shown agree with the truth no more than chance has it."""
    true = true_arms(home.landing(NAME))
    for hop, name in (("raw", "allocation"), ("accepted", "allocation"), ("analysis_set", "analysis_set")):
        shown = (
            table(home, hop, name).drop_duplicates("participant").set_index("participant")["arm"].astype(str)
        )
        assert shown.value_counts().to_dict() == true.value_counts().to_dict(), "totals stay"
        agreed = (shown == true.reindex(shown.index)).mean()
        assert 0.3 < agreed < 0.7, (
            f"{hop}: 155 tosses of a coin lie within 0.3 and 0.7 but for 1 in a million"
        )


def test_no_column_in_the_open_separates_the_true_arms(home):
    """Whether somebody has sessions, a therapist or a dose is as good as the arm itself."""
    true = true_arms(home.landing(NAME))
    people = (
        table(home, "analysis_set", "analysis_set").drop_duplicates("participant").set_index("participant")
    )
    for column in people:
        for told in (
            people[column].isna(),
            *(people[column].astype(str) == v for v in values(people[column])),
        ):
            table_of = pd.crosstab(told.to_numpy(), true.reindex(people.index).to_numpy())
            if table_of.shape == (2, 2) and table_of.to_numpy().sum(axis=1).min() >= MANY:
                share = table_of.div(table_of.sum(axis=1), axis=0)["SRT"]
                assert abs(share.iloc[0] - share.iloc[1]) < 0.45, column


def values(column):
    counts = column.astype(str).value_counts()
    return counts.index[counts >= MANY]


def test_sessions_in_the_open_belong_to_others(home):
    """Of everybody who has sessions there, about half are truly in the therapy."""
    true = true_arms(home.landing(NAME))
    for hop in ("raw", "accepted"):
        having = table(home, hop, "sessions")["participant"].dropna().unique()
        share = (true.reindex(having) == "SRT").mean()
        assert 0.25 < share < 0.75, f"{hop}: of some 70, a coin lies there but for 1 in 10,000"


def test_no_text_in_the_open_names_an_arm_beside_a_participant(home):
    """Assessors' notes name the therapy."""
    notes = table(home, "raw", "time_use")["assessor_note"]
    assert notes.isna().all()
    assert held_apart(home, NAME, "raw").frames["time_use"]["assessor_note"].notna().any()


def test_no_file_outside_the_secret_folders_holds_a_line_of_the_list(home):
    """Files are searched as bytes: pages, logs, databases, manifests."""
    lines = (home.landing(NAME) / "allocation.csv").read_bytes().splitlines()[1:]
    sessions = (home.landing(NAME) / "sessions.csv").read_bytes().splitlines()[1:]
    for path in home.root.rglob("*"):
        if path.is_file() and path.relative_to(home.root).parts[0] not in SECRET:
            content = path.read_bytes()
            assert not any(line in content for line in (*lines, *sessions)), path


def test_no_plain_hash_of_the_list_lies_in_the_open(home):
    """Twelve digits of it are enough to try allocations until one fits, a participant at a time."""
    lists = [home.landing(NAME) / name for name in ("allocation.csv", "sessions.csv", "discontinuations.csv")]
    digits = [hashlib.sha256(path.read_bytes()).hexdigest()[:12].encode() for path in lists]
    assert any(digits[0] in path.read_bytes() for path in (home.root / "custody").rglob("*.jsonl"))
    for path in home.root.rglob("*"):
        if path.is_file() and path.relative_to(home.root).parts[0] not in SECRET:
            held = contents(path)
            assert not [own for own in digits if own in held], path


def contents(path):
    """Return a file's bytes, those of a database with its compressed events unpacked."""
    raw = path.read_bytes()
    unpacked = []
    for place in re.finditer(rb"\x78[\x01\x9c\xda]", raw):
        with contextlib.suppress(zlib.error):
            unpacked.append(zlib.decompressobj().decompress(raw[place.start() : place.start() + 200_000]))
    return raw + b"".join(unpacked)


def test_who_breaks_a_rule_that_tells_the_arm_is_said_to_nobody_who_is_blind(home, capsys):
    """A session of somebody in the other arm: the query names the rule and how many, not whom."""
    true = true_arms(home.landing(NAME))
    outsider = true.index[true == "UC"][0]
    rule = "sessions.allocation.therapy_arm"
    shown = table(home, "queries", "queries")
    (asked,) = shown[shown["rule"] == rule].itertuples()
    assert (asked.participant, asked.visit, asked.value) == ("", "", "")
    assert pd.isna(asked.row)
    assert asked.message.startswith("1 record.")
    assert "Ask whoever holds the allocation list" in asked.message
    full = full_queries(home, load_named(NAME).trial, "Dr A", "to mend it")
    assert full.loc[full["rule"] == rule, "participant"].tolist() == [outsider]
    assert audit.listed(home, NAME)[-1].why == "to mend it"
    words = ["unblind", NAME, "--queries", "--by", "Dr A", "--why", "to ask", "--yes"]
    assert entry.run_command_line(words) == 0
    assert outsider in capsys.readouterr().out
    assert audit.listed(home, NAME)[-1].why == "to ask"
    page = (home.validation(NAME) / "docs" / "sessions.html").read_text()
    assert "1 in all" in page, "the page counts and lists no row"


def test_secrets_are_for_their_owner_alone(home):
    """What is held apart and can be read is not held apart."""
    for folder in ("allocation", "keys", "audit", "custody"):
        for path in (home.root / folder, *(home.root / folder).rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path


def test_the_allocation_is_the_same_the_next_night(home):
    """Otherwise every night would seem to change every record."""
    before = table(home, "accepted", "allocation")
    assert entry.run_command_line(["run", NAME]) == 0
    pd.testing.assert_frame_equal(table(home, "accepted", "allocation"), before)


def test_one_participant_is_unblinded_on_the_terminal_alone(home, capsys):
    """An emergency: a clinician must know now, and nobody else by it."""
    true = true_arms(home.landing(NAME))
    whom = true.index[true == "SRT"][0]
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    words = ["unblind", NAME, "--emergency", whom, "--by", "Dr C", "--why", "overdose"]
    assert entry.run_command_line(words) == 2, "nobody is there to confirm it"
    assert entry.run_command_line([*words, "--yes"]) == 0
    assert capsys.readouterr().out.strip() == "SRT plus usual care"
    written = {p for p in home.root.rglob("*") if p.is_file() and before.get(p) != p.stat().st_mtime_ns}
    assert {path.parent.name for path in written} <= {"audit"}
    (line,) = (e for e in audit.listed(home, NAME) if e.why == "overdose")
    assert (line.who, line.facts) == ("Dr C", {"participant": whom})


def test_results_differ_from_the_true_ones_until_a_locked_trial_is_unblinded(home, capsys):
    """The last test, since there is no way back."""

    def estimate():
        rows = table(home, "results", "results")
        return rows[rows["statistic"].eq("adjusted mean difference") & rows["role"].eq("primary")].iloc[0]

    shuffled = estimate()
    sign = ["--by", "Dr A", "--why", "the plan is signed"]
    assert entry.run_command_line(["unblind", NAME, *sign, "--yes"]) == 3, "not locked yet"
    assert entry.run_command_line(["lock", NAME, *sign]) == 0
    assert entry.run_command_line(["unblind", NAME, *sign, "--yes"]) == 0
    capsys.readouterr()
    assert entry.run_command_line(["run", NAME, "--if-changed", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["allocation"], told["lock"]["status"]) == ("success", "true", "as locked")
    true = estimate()
    assert true["value"] != pytest.approx(shuffled["value"], rel=1e-6), "other arms, whatever key was drawn"
    assert MARK not in home.report(NAME).read_text()
    files = files_of_the_report(home)
    assert not [name for name in files if "SHUFFLED" in name], "nobody mixes them up"
    assert {"report.html", "report.docx", "results.csv", "data/analysis_set.sav"} <= files
    assert told["report_word"] == str(home.reports(NAME) / "report.docx")
    arms = table(home, "accepted", "allocation").set_index("participant")["arm"].astype(str)
    assert (arms == true_arms(home.landing(NAME)).reindex(arms.index)).all()
    assert entry.run_command_line(["audit", "--verify"]) == 0
    change_the_plan()
    assert entry.run_command_line(["run", NAME, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.split("\n", 1)[1])
    assert told["lock"]["differs"] == ["plan_hash"]
    assert "NOT AS LOCKED: the plan" in home.report(NAME).read_text()
    assert "run differs from the lock" in [entry.what for entry in audit.listed(home, NAME)]


def change_the_plan():
    from data_contracts.load import find_trial

    path = Path(find_trial(NAME))
    path.write_text(path.read_text().replace('plan_version = "1.0"', 'plan_version = "1.1"'))
