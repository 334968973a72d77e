"""When Dagster's record can't be written: one message, ours."""

import logging

import pytest

from pipelines import record
from pipelines.home import Home


def test_dagsters_line_is_left_out_and_nothing_else(monkeypatch, capsys):
    """The error goes on to where it is told; a warning of a library in that moment is still shown."""

    def fail(_self, _record):
        record.sys.stderr.write("a warning\n")
        record.sys.stderr.write("Exception while writing logger call to event log: disk I/O error\n")
        raise OSError

    monkeypatch.setattr(record._EventListenerLogHandler, "emit", fail)
    with pytest.raises(OSError):  # noqa: PT011  any
        record.QuietRecorder(None).emit(logging.makeLogRecord({}))
    assert capsys.readouterr().err == "a warning\n"


def test_a_run_is_recorded_so(tmp_path):
    """Dagster asks the instance for its handler at each start of a run."""
    with record.recorded(Home(tmp_path).ready(), "a-run") as instance:
        assert isinstance(instance.get_handlers()[0], record.QuietRecorder)
