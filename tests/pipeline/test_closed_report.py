"""A blinded trial's closed report, from its exports to its files: on the true allocation, which nobody else sees.

The real hops and the real judge, on the demonstration trial declared blinded.
"""

import io
import re
import stat
import zipfile

import pandas as pd
import pytest

from analysis.estimators.plan import run_analyses
from analysis.reporting.audiences.coded import Words, draw_letters
from data_contracts.load import SHIPPED_TRIALS
from pipelines import audit, closed, store
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.keys import secret_key
from pipelines.landing_data import write_simulated
from pipelines.trials import load_named

pytestmark = pytest.mark.slow
NAME = "demo"
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
    from analysis.derive.analysis_set import build_analysis_set

    trial = load_named(NAME).trial
    derived = build_analysis_set(accepted, trial)
    return run_analyses(derived.frame, trial, derived.course)


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
    (line,) = [entry for entry in audit.listed(home, NAME) if entry.what == closed.MADE]
    assert (line.who, line.why) == ("Dr C", "DMC meeting 2")


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
    assert "shuffled" not in text.casefold()


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
        assert ((a - b).abs() <= 1e-9 * b.abs()).loc[b.notna()].all(), name
    shown, true = (
        frame[frame["analysis"].eq("primary") & frame["statistic"].eq("adjusted mean")]
        for frame in (coded, final)
    )
    assert set(zip(shown["arm"], shown["value"].round(9), strict=True)) == {
        (letters.of[arm], round(value, 9)) for arm, value in zip(true["arm"], true["value"], strict=True)
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
