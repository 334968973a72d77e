"""A run's files come together or not at all, and those of another allocation go."""

import json
import os
import shutil
from itertools import count
from pathlib import Path

import pytest

from data_contracts.errors import StorageError
from data_contracts.tables import Tables
from data_contracts.writers import atomic, together
from data_contracts.writers.together import sweep
from pipelines import store
from pipelines.home import Home
from pipelines.news import BEHIND, published_facts
from pipelines.published import is_whole, listed, named_files, publish, published_path
from pipelines.rights import permission_problems

TRUE = {"results.csv": b"1", "data/analysis_set.sav": b"2", "tables/a.csv": b"3", "report.html": b"page"}
SHUFFLED = {
    "results-SHUFFLED.csv": b"4", "data/analysis_set-SHUFFLED.sav": b"5", "tables/b-SHUFFLED.csv": b"6",
    "open/report-open.html": b"7", "report-SHUFFLED.html": b"shuffled page",
}  # fmt: skip
THIRD = {"results.csv": b"8", "tables/c.csv": b"9", "report.html": b"third page"}
STEPS = ("replace", "unlink", "rmdir", "mkdir", "open")  # of a folder or file: what a kill can come before


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "reports" / "demo"


def there(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith(".")
    }  # fmt: skip


def test_the_files_of_before_are_gone_when_the_trial_is_unblinded(folder):
    """Two reports side by side get mixed up."""
    publish(folder, SHUFFLED)
    assert there(folder) == SHUFFLED
    publish(folder, TRUE)
    assert there(folder) == TRUE
    assert not (folder / "open").exists(), "nor an empty folder"
    publish(folder, SHUFFLED)
    assert there(folder) == SHUFFLED


def test_a_report_of_the_other_allocation_goes_even_where_no_list_tells_of_it(folder):
    """The list may be lost, or the report older than lists."""
    folder.mkdir(parents=True)
    (folder / "report.html").write_bytes(b"an old page")
    publish(folder, SHUFFLED)
    assert there(folder) == SHUFFLED


def test_what_somebody_else_put_there_stays(folder):
    """A statistician keeps an annotated copy beside it."""
    folder.mkdir(parents=True)
    (folder / "report with notes.docx").write_bytes(b"mine")
    (folder / "validation").mkdir()
    (folder / "validation" / "index.html").write_bytes(b"checks")
    publish(folder, SHUFFLED)
    publish(folder, TRUE)
    assert there(folder) == {**TRUE, "report with notes.docx": b"mine", "validation/index.html": b"checks"}


@pytest.mark.parametrize("failing", range(1, 6))
def test_a_run_that_fails_half_way_leaves_the_old_set_whole(folder, monkeypatch, failing):
    """A disk fills while the files are written."""
    publish(folder, TRUE)
    real, calls = together.write_through, []

    def full(path, data):
        calls.append(path)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(together, "write_through", full)
    with pytest.raises(StorageError, match="demo"):
        publish(folder, SHUFFLED)
    assert there(folder) == TRUE
    assert is_whole(folder)
    assert not list(folder.rglob(".tmp*"))


def test_the_page_is_put_in_place_last(folder, monkeypatch):
    """Whoever sees the new page finds the files it leads to."""
    placed = []
    real = type(folder).replace
    monkeypatch.setattr(type(folder), "replace", lambda self, to: (placed.append(to.name), real(self, to))[1])
    publish(folder, TRUE)
    assert placed[-2:] == ["report.html", ".files.json"], "the list vouches for all of them"


def killed_before(step, folder, files):
    """Publish in a process that dies before its n-th step, as of kill -9; return whether it came so far."""
    if not (child := os.fork()):
        code = 1
        try:
            die_before(step)
            publish(folder, files)
            code = 0
        finally:
            os._exit(code)  # nothing may go up into pytest: the child would run all further tests
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 9}, "the files could not be published"
    return code == 9


def die_before(step):
    taken = count(1)

    def dying(real):
        def method(*arguments, **options):
            if next(taken) == step:
                os._exit(9)
            return real(*arguments, **options)

        return method

    for name in STEPS:
        setattr(Path, name, dying(getattr(Path, name)))
    together.shutil.rmtree = dying(shutil.rmtree)
    for module in (atomic, together):
        module.sync_folder = dying(module.sync_folder)


def hidden(folder):
    return sorted(p.name for p in folder.rglob(".*"))


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed in the middle")
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@needs_fork
def test_a_child_that_fails_ends_there_and_is_no_finished_one(folder, monkeypatch):
    """Else each would run the rest of the suite, and its failure would pass for a run that was not killed."""
    monkeypatch.setattr(together, "write_through", lambda *_: 1 / 0)
    with pytest.raises(AssertionError, match="could not be published"):
        killed_before(1000, folder, TRUE)


@needs_fork
@pytest.mark.parametrize(("old", "new"), [(TRUE, SHUFFLED), (SHUFFLED, TRUE), (THIRD, TRUE), ({}, TRUE)])
def test_a_set_that_passes_for_whole_is_one_run_s_wherever_the_run_before_was_killed(tmp_path, old, new):
    """The next night would call a mixture unchanged, and it would stay for ever."""
    for step in count(1):
        folder = tmp_path / str(step)
        if old:
            publish(folder, old)
        if not killed_before(step, folder, new):
            break
        sweep(folder)  # as the next run does before it looks
        assert not is_whole(folder) or there(folder) in (old, new), step
        publish(folder, new)
        assert (there(folder), hidden(folder), is_whole(folder)) == (new, [".files.json"], True), step
    assert step > 30


@needs_fork
def test_no_stale_file_outlives_two_kills_in_a_row(tmp_path):
    """Whatever killed the first run may kill the second."""
    for step in range(1, 60, 4):
        folder = tmp_path / str(step)
        publish(folder, TRUE)
        killed_before(step, folder, SHUFFLED)
        killed_before(step + 7, folder, THIRD)
        publish(folder, SHUFFLED)
        assert (there(folder), hidden(folder)) == (SHUFFLED, [".files.json"]), step


def remember(home, hops, data):
    made_of = {"data_hash": data, "plan_hash": "p", "code_version": "c", "allocation": "true"}
    for hop in hops:
        store.write_tables(home.store("demo", hop), Tables({}, {**made_of, "estimated": True}))


@needs_fork
@pytest.mark.parametrize("tonight", ["the same", "other"])
def test_a_report_stands_only_when_no_later_run_was_killed_amid_its_files(tmp_path, tonight):
    """On the night after, the delivery of before may be back: then the hashes alone would say that nothing is new."""
    for step in count(1):
        home = Home(tmp_path / str(step))
        publish(home.reports("demo"), TRUE)
        remember(home, (*BEHIND, "report"), "the same")
        assert published_facts("demo", home)
        remember(home, BEHIND, tonight)
        if not killed_before(step, home.reports("demo"), {**TRUE, "report.html": b"of tonight"}):
            break
        stands = bool(published_facts("demo", home))
        assert not (stands and tonight == "other"), step
        assert not stands or is_whole(home.reports("demo")), step
    assert step > 25


@pytest.mark.parametrize("hop", BEHIND)
@pytest.mark.parametrize("key", ["data_hash", "plan_hash", "code_version", "allocation"])
def test_a_report_is_overtaken_by_a_run_that_got_as_far_as_one_hop_behind_it(tmp_path, hop, key):
    """A run whose report failed leaves other results, or a run that failed earlier other verdicts."""
    home = Home(tmp_path)
    publish(home.reports("demo"), TRUE)
    remember(home, (*BEHIND, "report"), "the same")
    manifest = home.store("demo", hop) / "manifest.json"
    stored = json.loads(manifest.read_text())
    stored["facts"][key] = "another"
    manifest.write_text(json.dumps(stored))
    assert published_facts("demo", home) == {}
    manifest.write_text("cut")
    assert published_facts("demo", home) == {}, "nor is a damaged one taken for the same"


def test_what_a_killed_writer_left_is_swept_and_nothing_else(folder):
    """It holds participants' data, and nobody looks there."""
    publish(folder, TRUE)
    for left in (".tmp_set/data/analysis_set.sav", ".tmp_.files.known.json_1", "validation/.tmp_page"):
        (folder / left).parent.mkdir(parents=True, exist_ok=True)
        (folder / left).write_bytes(b"half")
    assert not is_whole(folder)
    sweep(folder)
    assert hidden(folder) == [".files.json", ".tmp_page"]
    assert there(folder) == TRUE
    assert is_whole(folder)


def test_a_set_that_cannot_be_put_in_place_is_not_whole_and_the_folder_is_named(folder, monkeypatch):
    """Someone took the right to write away in the middle: half of the files are the new ones."""
    publish(folder, TRUE)
    real = Path.replace

    def refused(self, to):
        if to.name == "b-SHUFFLED.csv":
            raise PermissionError(13, "Permission denied")
        return real(self, to)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(StorageError, match="demo") as caught:
        publish(folder, SHUFFLED)
    assert caught.value.problems[0].where == str(folder)
    assert not is_whole(folder)
    monkeypatch.setattr(Path, "replace", real)
    publish(folder, THIRD)
    assert (there(folder), is_whole(folder)) == (THIRD, True)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_participants_data_are_their_owner_s_alone_whatever_the_umask(folder):
    """The report's folder may be shared with a group; these files are people."""
    before = os.umask(0o022)
    try:
        (folder / "data").mkdir(parents=True)
        publish(folder, TRUE)
    finally:
        os.umask(before)
    assert (folder / "data").stat().st_mode & 0o777 == 0o700
    assert (folder / "data" / "analysis_set.sav").stat().st_mode & 0o777 == 0o600
    assert (folder / "report.html").stat().st_mode & 0o777 == 0o644


def test_a_set_with_a_file_missing_is_not_whole(folder):
    """A night must make again what somebody deleted."""
    publish(folder, TRUE)
    assert is_whole(folder)
    assert listed(folder) == sorted(TRUE)
    (folder / "tables" / "a.csv").unlink()
    assert not is_whole(folder)


@pytest.mark.parametrize("name", [".files.json", ".files.known.json"])
def test_a_list_that_cannot_be_read_is_a_storage_error_and_no_whole_set(folder, name):
    """Every run asks for it, a failed one too: its own error must not be hidden behind another."""
    publish(folder, TRUE)
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    assert not is_whole(folder)
    with pytest.raises(StorageError, match="demo") as caught:
        publish(folder, SHUFFLED)
    assert caught.value.problems[0].where == str(folder / name)
    assert there(folder) == TRUE


def test_a_folder_out_of_reach_is_not_whole(folder, monkeypatch):
    """A share that is not there answers to every question with an error."""
    publish(folder, TRUE)

    def unreachable(self, *_, **__):
        raise OSError(112, "Host is down", str(self))

    for name in ("read_bytes", "is_file", "exists"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, unreachable)
            assert not is_whole(folder), name
    assert is_whole(folder)


def test_the_newer_of_two_reports_is_the_report(tmp_path):
    """Both are there only after a run killed in the middle."""
    home = Home(tmp_path)
    folder = home.reports("demo")
    assert home.report("demo") == folder / "report.html", "where there is none yet"
    publish(folder, SHUFFLED)
    assert home.report("demo").name == "report-SHUFFLED.html"
    (folder / "report.html").write_bytes(b"newer")
    os.utime(folder / "report.html", (4e9, 4e9))
    assert home.report("demo").name == "report.html"
    assert published_path(folder, "report.docx").name == "report.docx"


def test_the_names_that_programs_are_told_follow_the_allocation(folder):
    """`srt run --json` names files that are there."""
    publish(folder, SHUFFLED)
    found = named_files(folder)
    assert found["results_csv"] == folder / "results-SHUFFLED.csv"
    assert found["analysis_set_sav"] == folder / "data" / "analysis_set-SHUFFLED.sav"
    assert found["open_report"] == folder / "open" / "report-open.html"
    assert found["report_word"] is None


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_participants_data_that_others_can_read_are_found(tmp_path, monkeypatch):
    """Rights are lost when folders are copied."""
    monkeypatch.setenv("SRT_UMASK", "022")
    home = Home(tmp_path)
    publish(home.reports("demo"), TRUE)
    home.root.chmod(0o755)
    (home.root / "reports").chmod(0o750)
    assert permission_problems(home) == []
    data = home.reports("demo") / "data"
    data.chmod(0o755)
    (data / "analysis_set.sav").chmod(0o644)
    assert [one.path for one in permission_problems(home)] == [data, data / "analysis_set.sav"]
