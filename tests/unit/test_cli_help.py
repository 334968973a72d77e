"""`srt --help`: quick, and it tells the exit codes."""

import subprocess
import sys

from pipelines.cli import __main__ as entry
from pipelines.cli.failures import EXIT_CODES

HEAVY = {
    "pandas",
    "numpy",
    "dagster",
    "great_expectations",
    "statsmodels",
    "matplotlib",
    "duckdb",
    "pydantic",
}
COMMANDS = [
    "run",
    "check",
    "report",
    "results",
    "simulate",
    "example",
    "new-trial",
    "trials",
    "ui",
    "doctor",
    "fit",
]
SHOW = """
import sys
from pipelines.cli.__main__ import run_command_line
run_command_line(["--help"])
print(*sys.modules)
"""


def test_help_imports_nothing_heavy():
    """0.4 s is the limit for the whole process; each of these alone would take a good part of it."""
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in shown.splitlines()[-1].split()}
    assert not loaded & HEAVY


def test_help_documents_every_exit_code(capsys):
    """What a script relies on stands where one looks for it."""
    assert entry.run_command_line(["--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for code in EXIT_CODES:
        assert f"{code} " in words.partition("Exit codes:")[2]


def test_every_command_has_help_of_its_own(capsys):
    """A command without a sentence is a command nobody finds."""
    for command in COMMANDS:
        assert entry.run_command_line([command, "--help"]) == 0
        assert f"srt {command}" in capsys.readouterr().out


def test_version_is_one_line(capsys):
    """For bug reports."""
    assert entry.run_command_line(["--version"]) == 0
    assert capsys.readouterr().out.startswith("srt ")
