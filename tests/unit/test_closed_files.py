"""The files of a closed report come together, the page last, for their owner alone. Not here: what is in them."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from data_contracts.errors import StorageError
from pipelines.closed import write_closed

NAMES = ("report-closed.html", "report-closed.docx", "results-closed.csv")


def made(night):
    """Return a report's files: the page names the checksum of the table."""
    table = f"numbers of {night}".encode()
    return dict(zip(NAMES, (hashlib.sha256(table).hexdigest().encode(), night.encode(), table), strict=True))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "closed" / "demo"


def test_the_page_is_returned_first_and_nothing_else_is_left(folder):
    """It is what is opened."""
    assert write_closed(folder, made("May")) == tuple(folder / name for name in NAMES)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made("May")


@pytest.mark.parametrize("step", range(1, 4))
def test_a_page_always_has_the_table_it_names_beside_it(folder, monkeypatch, step):
    """The committee compares the checksum, and would take an older table for a forged one."""
    write_closed(folder, made("May"))
    real, placed = Path.replace, []

    def killed(self, to):
        placed.append(to.name)
        if len(placed) == step:
            raise KeyboardInterrupt
        return real(self, to)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_closed(folder, made("June"))
    page, _, table = (folder / name for name in NAMES)
    assert not page.exists() or page.read_text() == hashlib.sha256(table.read_bytes()).hexdigest()
    monkeypatch.setattr(Path, "replace", real)
    write_closed(folder, made("June"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made("June")


def test_a_full_disk_leaves_the_old_report_whole(folder, monkeypatch):
    """What was shown at the last meeting can still be shown."""
    from data_contracts.writers import together

    write_closed(folder, made("May"))
    real, written = together.write_through, []

    def full(path, data):
        written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(together, "write_through", full)
    with pytest.raises(StorageError, match="demo"):
        write_closed(folder, made("June"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made("May")


@pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX's")
def test_its_files_are_its_owner_s_alone_whatever_the_umask(folder):
    """SRT_UMASK may let a group read the reports; of these it must not."""
    before = os.umask(0o022)
    try:
        write_closed(folder, made("May"))
    finally:
        os.umask(before)
    rights = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (rights, stat.S_IMODE(folder.stat().st_mode)) == ({0o600}, 0o700)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
