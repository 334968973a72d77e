"""Values of participants are planted in every kind of column, all that can fail is made to, and all outputs read.

Values belong into custody, the tables of the store, the query book and what is held apart; a participant's
name or answer anywhere else (terminal, logs, Dagster's record, pages, the audit log) fails these tests.
"""

import io
import sqlite3
import zipfile
import zlib
from datetime import datetime
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from analysis.simulation.srt_trial import simulate_trial
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.writers.export import export_form
from pipelines.cli import __main__ as entry
from pipelines.home import Home

pytestmark = pytest.mark.long

WORD, NUMBER, DAY = "PLANTED", 735191357, datetime(1931, 7, 19)  # noqa: DTZ001  exports know no time zones
MARKERS = [WORD, str(NUMBER), "1931-07-19", "19/07/1931"]
BELONGS = (
    "landing",
    "custody",
    "allocation",
    "keys",
    "nights",
)  # and tables of the store, and the query book
BREAKABLE = [  # function that a hop calls: module, name
    ("data_contracts.readers.trial", "read_received"),
    ("data_contracts.verdict", "verdict_of"),
    ("analysis.derive.analysis_set", "build_analysis_set"),
    ("analysis.estimators.plan", "run_analyses"),
    ("analysis.reporting.figures.adjusted_means", "adjusted_means_figure"),
    ("analysis.reporting.document", "make_report"),
    ("analysis.reporting.audiences.open", "pooled_rows"),
    ("analysis.reporting.audiences.hidden", "protect"),
    ("analysis.reporting.word", "render_word"),
    ("pipelines.querybook.nightly", "keep_night"),
    ("pipelines.store", "write_tables"),
    ("pipelines.store", "read_tables"),
]


def planted(blinded):
    """Return the demo trial's plan as a unit's own, and its data full of markers."""
    text = (SHIPPED_TRIALS / "demo.toml").read_text()
    return text.replace("open_because", "# open_because") if blinded else text


def with_markers(frame, form, trial):
    """Return a form's frame with a marker in every column: ids everywhere, the rest in one record each."""
    frame = frame.copy()
    frame["participant"] = WORD + frame["participant"].astype(str)
    rng = np.random.default_rng(1)
    for name, column in trial.columns_of(form).items():
        if name in {"participant", "arm", "site", "visit", *form.key} or not len(frame):
            continue
        at = frame.index[int(rng.integers(len(frame)))]
        if column.type == "date":
            frame.loc[at, name] = DAY
        elif column.type in {"number", "integer"}:
            frame[name] = frame[name].astype("float64")
            frame.loc[at, name] = NUMBER
        elif column.type == "text":
            frame.loc[at, name] = f"{WORD} seen by her SRT therapist"
    return frame


@pytest.fixture(params=[False, True], ids=["open", "blinded"])
def home(request, tmp_path, monkeypatch):
    (tmp_path / "trials").mkdir()
    path = tmp_path / "trials" / "planted.toml"
    path.write_text(planted(request.param))
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "400")
    trial, home = load_trial(path), Home(tmp_path / "home")
    demo = trial.model_copy(update={"name": "demo"})
    for name, frame in simulate_trial(demo).forms.items():
        form = trial.forms[name]
        export_form(with_markers(frame, form, trial), form, trial, home.landing("planted"))
    return home


def srt(*words):
    return entry.run_command_line([*words])


def leaks(home, *texts):
    """Return every place outside those for values that holds a marker."""
    found = [f"terminal: {marker}" for marker in MARKERS for text in texts if marker in text]
    for path in sorted(home.root.rglob("*")):
        inside = path.relative_to(home.root)
        if path.is_file() and not holds_values(inside):
            found += [f"{inside}: {marker}" for marker in MARKERS if marker.encode() in contents(path)]
    return found


def holds_values(inside):
    """Return whether values belong into a file: those of the store, and the analysis set for other programs."""
    exported = inside.parts[0] == "reports" and inside.parts[2:3] == ("data",)
    table = inside.suffix == ".parquet" and inside.parts[0] != "reports"
    return inside.parts[0] in BELONGS or exported or table or inside.name.startswith("queries.sqlite")


def contents(path):
    """Return a file's bytes; of a database also those of its cells, as they are and unpacked; of Word its parts."""
    raw = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return raw + b"\0".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv().encode()
    if not raw.startswith(b"SQLite format 3"):
        return raw
    with sqlite3.connect(path) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [
            cell for name in tables for row in database.execute(f'SELECT * FROM "{name}"') for cell in row
        ]
    return raw + b"\0".join(part for cell in cells for part in as_bytes(cell))


def as_bytes(cell):
    if isinstance(cell, bytes):
        yield cell
        for bits in (15, 31, -15):
            try:
                yield zlib.decompress(cell, bits)
            except zlib.error:
                continue
    elif cell is not None:
        yield str(cell).encode()


def test_the_search_finds_what_is_there(tmp_path):
    """A search that finds nothing anywhere would pass everything."""
    home = Home(tmp_path)
    home.logs.mkdir()
    (home.logs / "a.txt").write_text(f"x {WORD} y")
    with sqlite3.connect(home.logs / "b.db") as database:
        database.execute("CREATE TABLE t (c BLOB)")
        database.execute("INSERT INTO t VALUES (?)", [zlib.compress(f"{NUMBER}".encode() * 50)])
    reports = home.reports("demo")
    reports.mkdir(parents=True)
    with zipfile.ZipFile(reports / "c.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:t>{WORD}</w:t>")
    pd.DataFrame({"at": [WORD]}).to_parquet(reports / "d.parquet")
    assert leaks(home, "on 1931-07-19") == [
        "terminal: 1931-07-19", f"logs/a.txt: {WORD}", f"logs/b.db: {NUMBER}",
        f"reports/demo/c.docx: {WORD}", f"reports/demo/d.parquet: {WORD}",
    ]  # fmt: skip


def test_a_night_full_of_defects_leaves_no_value_outside_its_places(home, capfd):
    """Names, dates, numbers and free text in defective records: rules broken, records set aside, queries asked."""
    code = srt("run", "planted")
    assert code in {0, 5, 6}
    if code != 5:  # withheld data have no report
        assert (home.reports("planted") / "open" / "report-open.html").is_file()
        assert srt("report", "planted", "--audience", "closed", "--by", "Dr C", "--why", "a meeting") == 0
    srt("check", "planted", "--json")
    srt("trials")
    srt("doctor")
    srt("audit")
    told = capfd.readouterr()
    assert leaks(home, told.out, told.err) == []


def test_cells_that_cannot_be_read_are_quoted_in_the_listing_alone(home, capfd):
    """“PLANTED/13/45 is no date” would tell a name that slipped into a date."""
    sessions = home.landing("planted") / "sessions.csv"
    lines = sessions.read_text().splitlines()
    cells = lines[1].split(",")
    lines[1] = ",".join([*cells[:2], f"{WORD}/13/45", cells[3], f"{WORD}min"])
    sessions.write_text("\n".join(lines) + "\n")
    assert srt("run", "planted") in {0, 5, 6}
    told = capfd.readouterr()
    assert leaks(home, told.out, told.err) == []


def test_withheld_data_say_why_without_a_value(home, capfd):
    """An arm that is not in the plan, and a participant in two arms."""
    allocation = home.landing("planted") / "allocation.csv"
    lines = allocation.read_text().splitlines()
    cells = [line.split(",") for line in lines]
    at = cells[0].index("allocation")
    cells[3][at] = f"{WORD}ARM"
    cells.append([*cells[5][:at], "UC" if cells[5][at] != "UC" else "SRT", *cells[5][at + 1 :]])
    allocation.write_text("\n".join(map(",".join, cells)) + "\n")
    assert srt("run", "planted") == 5
    told = capfd.readouterr()
    assert leaks(home, told.out, told.err) == []


def test_a_comparison_that_cannot_be_estimated_says_why_without_a_value(home, capfd):
    """One arm without a single follow-up."""
    path = home.landing("planted") / "time_use.sav"
    trial = load_trial(SHIPPED_TRIALS / "demo.toml")
    frame = simulate_trial(trial).forms["time_use"].assign(structured_activity_hours=12.0)
    frame["participant"] = WORD + frame["participant"].astype(str)
    export_form(frame, trial.forms["time_use"], trial, path.parent)
    assert srt("run", "planted") in {5, 6}
    told = capfd.readouterr()
    assert leaks(home, told.out, told.err) == []


@pytest.mark.parametrize("home", [True], indirect=True, ids=["blinded"])
@pytest.mark.parametrize(("module", "name"), BREAKABLE, ids=[name for _, name in BREAKABLE])
def test_a_crash_in_a_hop_tells_its_kind_and_place_and_not_its_text(home, monkeypatch, capfd, module, name):
    """Libraries quote the value they stumbled over; nobody foresees where."""

    def crash(*_args, **_options):
        raise ValueError(f"could not convert string to float: '{WORD}'") from KeyError(f"{WORD}1001")

    monkeypatch.setattr(import_module(module), name, crash)
    assert srt("run", "planted") == 1
    told = capfd.readouterr()
    assert leaks(home, told.out, told.err) == []
    assert "ValueError at tests/pipeline/test_no_value_leaks.py" in told.err
