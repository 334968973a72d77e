"""The validation page as a run leaves it: of an accepted night, a withheld one, and one that read nothing.

The rules are judged by a stand-in for Great Expectations, whose import alone would cost more than all these tests.
"""

import pytest

from data_contracts.errors import ContractError, ReadError
from pipelines import run
from pipelines.home import Home
from pipelines.landing_data import make_data

NAME = "beat_the_blues"


@pytest.fixture
def home(tmp_path, monkeypatch, judge):
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    made = Home(tmp_path)
    make_data(NAME, made.landing(NAME))
    return made


def page_of(home):
    return (home.validation(NAME) / "index.html").read_text()


def test_the_page_stands_where_it_is_looked_for_and_leads_to_each_forms_rules(home):
    """The summary, Dagster's metadata and the report all name index.html."""
    summary = run.run_trial(NAME, select="checked")
    page = page_of(home)
    assert summary.validation_report == str(home.validation(NAME) / "index.html")
    assert '<span class="badge accepted">Accepted</span>' in page
    assert summary.run_id in page
    for form in ("participants", "allocation", "bdi"):
        assert f'href="docs/{form}.html"' in page
        assert (home.validation(NAME) / "docs" / f"{form}.html").exists()


def test_a_withheld_night_has_its_page_although_its_run_fails(home, judge):
    """It is then that somebody opens it."""
    judge.broken = ("withhold",)
    with pytest.raises(ContractError):
        run.run_trial(NAME, select="checked")
    page = page_of(home)
    assert '<span class="badge withheld">Withheld from analysis</span>' in page
    assert "Withholds the whole trial from analysis" in page


def test_a_night_whose_file_did_not_come_says_so_on_the_last_page_until_it_comes(home):
    """Nothing is judged then: the page would look as if all were well."""
    (file,) = (
        path
        for path in home.landing(NAME).iterdir()
        if path.name.startswith("bdi") and path.suffix != ".json"
    )
    content = file.read_bytes()
    run.run_trial(NAME, select="checked")
    before = page_of(home)
    file.unlink()
    for _ in range(2):
        with pytest.raises(ReadError):
            run.run_trial(NAME, select="checked")
        page = page_of(home)
        assert page.count("could not be judged.") == 1
        assert f"no file {file.name}" in page
        assert before.partition("<main>")[2] == page.partition("<main>")[2]
    file.write_bytes(content)
    run.run_trial(NAME, select="checked")
    assert "could not be judged." not in page_of(home)


def test_a_damaged_file_is_told_too_and_a_quiet_night_takes_it_back(home):
    """The file that came back is the one published: nothing is judged again, and nothing is wrong any more."""
    run.run_trial(NAME)
    before = page_of(home)
    file = home.landing(NAME) / "participants.sav"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ReadError):
        run.run_trial(NAME, force=False)
    assert "could not be judged." in page_of(home)
    file.write_bytes(content)
    assert run.run_trial(NAME, force=False).status == "unchanged"
    assert page_of(home) == before


def test_a_first_night_without_files_has_a_page_that_names_them(home):
    """The first thing a new trial's data manager sees."""
    for path in home.landing(NAME).iterdir():
        path.unlink()
    with pytest.raises(ReadError):
        run.run_trial(NAME, select="checked")
    assert "No night has been judged yet." in page_of(home)
