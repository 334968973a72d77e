"""A run's files come together or not at all, and those of another allocation go."""

import os

import pytest

from data_contracts.errors import StorageError
from data_contracts.writers import together
from pipelines.home import Home
from pipelines.published import is_whole, listed, named_files, publish, published_path
from pipelines.rights import permission_problems

TRUE = {"results.csv": b"1", "data/analysis_set.sav": b"2", "tables/a.csv": b"3", "report.html": b"page"}
SHUFFLED = {
    "results-SHUFFLED.csv": b"4", "data/analysis_set-SHUFFLED.sav": b"5", "tables/b-SHUFFLED.csv": b"6",
    "open/report-open.html": b"7", "report-SHUFFLED.html": b"shuffled page",
}  # fmt: skip


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
    assert placed[-1] == "report.html"


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
