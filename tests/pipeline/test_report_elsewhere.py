"""The files of a run opened where people open them: LibreOffice, PSPP and R. Not here: their contents (unit tests)."""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from pipelines import store
from pipelines.home import Home

pytestmark = pytest.mark.office
SRT = Path(sys.executable).with_name("srt")
PAGE = Path(__file__).parents[2] / "docs" / "report.md"
SYNTAX = """GET FILE='data/analysis_set.sav'.
SAVE TRANSLATE /OUTFILE='{csv}' /TYPE=CSV /FIELDNAMES /CELLS=LABELS /REPLACE.
DISPLAY DICTIONARY /VARIABLES=therapist arm.
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a state folder in which the demonstration trial has run."""
    root = tmp_path_factory.mktemp("elsewhere")
    environment = {"SRT_HOME": str(root), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    subprocess.run([SRT, "run", "demo"], env=environment, check=True, capture_output=True)
    return Home(root)


def needs(*programs):
    if absent := [one for one in programs if shutil.which(one) is None]:
        pytest.skip(f"not on this machine: {absent}")


def lines_of_the_page(program):
    """Return the code that docs/report.md shows for a program: the indented lines after those on it."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition(f"\n{program}")
    (first, *_) = re.findall(r"(?:^ {4}.*\n)+", after, re.MULTILINE)
    return textwrap.dedent(first)


def primary(home):
    rows = store.read_tables(home.store("demo", "results")).frames["results"]
    chosen = (
        rows["role"].eq("primary") & rows["statistic"].eq("adjusted mean difference") & rows["visit"].eq("m9")
    )
    return rows[chosen].iloc[0]


def test_libreoffice_makes_a_pdf_of_the_word_report_with_its_headline_on_the_first_page(home, tmp_path):
    """A file that python-docx reads back may still not open."""
    needs("soffice", "pdftotext")
    word = home.report("demo").with_suffix(".docx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    convert = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(word)]
    subprocess.run(convert, check=True, capture_output=True, timeout=180)
    told = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "report.pdf", "-"], check=True, capture_output=True
    )
    pages = told.stdout.decode().rstrip("\f").split("\f")
    assert len(pages) > 15
    (headline,) = store.read_facts(home.store("demo", "results"))["headlines"]
    assert headline["sentence"] in " ".join(pages[0].split())
    assert all("Synthetic data" in page for page in pages)
    assert all(f"page {n} of {len(pages)}" in page for n, page in enumerate(pages, start=1))
    assert not [page for page in pages if re.search(r"Error|not found", page)], "a field that leads nowhere"


def test_pspp_reads_every_value_and_label_of_the_analysis_set(home, tmp_path):
    """PSPP reads .sav files as SPSS does."""
    needs("pspp")
    (tmp_path / "read.sps").write_text(SYNTAX.format(csv=tmp_path / "read.csv"))
    folder = home.reports("demo")
    command = ["pspp", "-O", "format=txt", tmp_path / "read.sps"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert "not recorded" in done.stdout.decode(), "the blank is declared missing"
    ours = pd.read_csv(folder / "data" / "analysis_set.csv", dtype="str", keep_default_na=False)
    theirs = pd.read_csv(tmp_path / "read.csv", dtype="str", keep_default_na=False).apply(
        lambda c: c.str.strip()
    )
    for column in ("participant", "arm", "site", "visit", "sex", "age"):
        assert theirs[column].tolist() == ours[column].tolist(), column
    hours = [pd.to_numeric(one["structured_activity_hours"]) for one in (ours, theirs)]
    pd.testing.assert_series_equal(*hours)


def test_r_finds_the_primary_estimate_again_from_the_spss_file(home):
    """The lines are those of docs/report.md, which people copy; what they give is the report's number."""
    needs("Rscript")
    shown = lines_of_the_page("R, with haven and nlme")
    table = "summary(m)$tTable\n"
    assert shown.endswith(f"\n{table}")
    code = (
        shown.removesuffix(table) + 'write.csv(summary(m)$tTable["armSRT plus usual care", , drop = FALSE])'
    )
    done = subprocess.run(
        ["Rscript", "-e", code], cwd=home.reports("demo") / "data", capture_output=True, check=False
    )
    if b"there is no package" in done.stderr:
        pytest.skip("R has no haven or nlme")
    assert done.returncode == 0, done.stderr.decode()
    value, se = (float(one) for one in done.stdout.decode().splitlines()[1].split(",")[1:3])
    expected = primary(home)
    assert value == pytest.approx(expected["value"], abs=1e-3 * expected["se"]), "two optimisers"
    assert se == pytest.approx(expected["se"], rel=0.01), "Kenward and Roger's is a little larger than R's"
