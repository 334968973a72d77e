"""SKIPS=fail: a test that skips for want of a system package has failed. Not here: what is installed (.ci/run)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest

@pytest.fixture
def program():
    pytest.skip("no such program")

@pytest.mark.office
def test_skips(): pytest.skip("no LibreOffice")

@pytest.mark.browser
def test_skips_in_a_fixture(program): pass

@pytest.mark.long
def test_of_another_mark(): pytest.skip("no right to mount")

def test_of_none(): pytest.importorskip("no_such_package")

@pytest.mark.daemon
@pytest.mark.xfail
def test_expected_to_fail(): assert False

@pytest.mark.postgres
def test_runs(): pass
"""


@pytest.mark.parametrize(
    ("setting", "code", "counted"),
    [
        ("fail", 1, "1 failed, 1 passed, 2 skipped, 1 xfailed, 1 error"),
        ("", 0, "1 passed, 4 skipped, 1 xfailed"),
    ],
)
def test_a_marked_test_that_skips_has_failed_where_it_must_run(tmp_path, setting, code, counted):
    """A build machine without R was as green as one with it."""
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    marks = "\n".join(f"    {mark}: x" for mark in ("office", "browser", "long", "daemon", "postgres"))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers =\n{marks}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, env={**os.environ, "SKIPS": setting}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, counted in done.stdout) == (code, True), done.stdout
    assert ("skipped, where SKIPS=fail: no LibreOffice" in done.stdout) == (code == 1)


@pytest.mark.parametrize(
    ("setting", "code", "counted"), [("fail", 2, "1 error"), ("", 0, "1 passed, 1 skipped")]
)
@pytest.mark.parametrize(
    "skips",
    ['pytest.importorskip("no_such_package")', 'pytest.skip("no LibreOffice", allow_module_level=True)'],
)
def test_a_module_that_skips_as_a_whole_has_failed_too(tmp_path, skips, setting, code, counted):
    """Its tests, whatever their marks, would be neither run nor counted."""
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_whole.py").write_text(f"import pytest\n{skips}\ndef test_runs(): pass\n")
    (tmp_path / "test_other.py").write_text("def test_runs(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path, env={**os.environ, "SKIPS": setting}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, counted in done.stdout) == (code, True), done.stdout
    assert ("test_whole.py skipped, where SKIPS=fail" in done.stdout) == (setting == "fail")
