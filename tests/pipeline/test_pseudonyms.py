"""A trial with pseudonyms, from its exports to its report: no identifier of the exports is stored in the open."""

import re

import pytest

from data_contracts.load import SHIPPED_TRIALS
from pipelines import audit, store
from pipelines.cli import __main__ as entry
from pipelines.home import Home
from pipelines.landing_data import write_simulated
from pipelines.trials import load_named

pytestmark = pytest.mark.slow
IDENTIFIER = re.compile(rb"\bP[1-4]0\d\d\b")
THEIRS = ("landing", "custody")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("pseudonyms")
    text = (SHIPPED_TRIALS / "demo.toml").read_text()
    text = text.replace("open_because", "# open_because").replace(
        "[night]", "[privacy]\npseudonyms = true\n\n[night]"
    )
    (root / "own").mkdir()
    (root / "own" / "demo.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SRT_TRIALS", str(root / "own"))
        patch.setenv("SRT_HOME", str(root / "home"))
        home = Home(root / "home")
        write_simulated(load_named("demo").trial, home.landing("demo"))
        assert entry.run_command_line(["run", "demo"]) == 0
        yield home


def test_no_file_but_the_exports_has_an_identifier(home):
    """At the door means before anything is stored: what is held apart has pseudonyms too."""
    for path in home.root.rglob("*"):
        if (
            path.is_file()
            and path.relative_to(home.root).parts[0] not in THEIRS
            and path.suffix != ".parquet"
        ):
            assert not IDENTIFIER.search(path.read_bytes()), path


def test_no_table_has_an_identifier(home):
    """Parquet is compressed: its cells are read."""
    stored = [
        path.parent for path in home.root.rglob("manifest.json") if path.parts[-4] in {"store", "allocation"}
    ]
    tables = {(f, name): t for f in stored for name, t in store.read_tables(f).frames.items()}
    assert {f.parts[-3] for f, _ in tables} == {"store", "allocation"}
    for place, table in tables.items():
        for column in table:
            cells = table[column].map(str).unique()
            assert not any(IDENTIFIER.search(str(cell).encode()) for cell in cells), (place, column)


def test_forms_are_joined_as_before(home):
    """Every participant of the analysis has the visits they came to."""
    people = store.read_tables(home.store("demo", "analysis_set")).frames["analysis_set"]
    assert people["participant"].nunique() == 155
    assert people["structured_activity_hours"].notna().mean() > 0.8
    assert people["age"].notna().mean() > 0.95, "from another form than the allocation"


def test_an_identifier_leads_to_its_pseudonym_and_the_audit_log_keeps_the_pseudonym(home, capsys):
    """A data manager asks a site; a clinician asks in an emergency."""
    assert entry.run_command_line(["pseudonym", "demo", "P1001"]) == 0
    known_as = capsys.readouterr().out.strip()
    raw = store.read_tables(home.store("demo", "raw")).frames["participants"]
    assert known_as in set(raw["participant"])
    words = ["unblind", "demo", "--emergency", "P1001", "--by", "Dr C", "--why", "overdose", "--yes"]
    assert entry.run_command_line(words) == 0
    assert audit.listed(home, "demo")[-1].facts == {"participant": known_as}
