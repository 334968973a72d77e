"""`srt contract`: what a trial's data must be, to read or to take into Great Expectations. Not here: judging."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.output import note, plain_table, print_json, put, say, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_contracts.rules import Rule

RULES = "rules.csv"
COLUMNS = ("rule", "form", "dimension", "severity", "effect", "owner", "message")


def contract(
    trial: TrialName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Write rules.csv and a Great Expectations project here."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the rules that a trial's plan makes.

    TRIAL is a name from `srt trials`. With --out they are written as a table, and as a Great Expectations
    project with a suite and a checkpoint for each form, which needs nothing of srt to be loaded.
    """
    plan = load(trial)
    from data_contracts.suites import rules_of

    rules = rules_of(plan)
    if out is not None:
        note("Writing the suites; Great Expectations takes some seconds to start.")
        _write(rules, plan, out)
    if as_json:
        print_json({"trial": trial, "folder": out, "rules": [_row(rule) for rule in rules]})
        return
    put(_counts(rules))
    if out is not None:
        say(f"Wrote {shown(out / RULES)} and {shown(out / 'gx')}")


def _row(rule: "Rule") -> dict[str, str]:
    given = (rule.id, rule.form, rule.dimension, rule.severity, rule.effect, rule.owner, rule.message)
    return dict(zip(COLUMNS, given, strict=True))


def _write(rules: "Sequence[Rule]", plan: Any, out: Path) -> None:
    import csv
    import io

    from data_contracts.errors import StorageError
    from data_contracts.judge import save_suites
    from data_contracts.writers.atomic import write_atomically

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(rule) for rule in rules)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / RULES, text.getvalue().encode("utf-8"))
        save_suites(plan, rules, out)
    except OSError as error:
        raise StorageError(f"The contract can't be written to {out}: {error.strerror}.") from error


def _counts(rules: "Sequence[Rule]") -> Any:
    """Return a table of how many rules each form has, by severity."""
    from collections import Counter

    count = Counter((rule.form, rule.severity) for rule in rules)
    numbers = ("critical", "warning", "info", "rules")
    table = plain_table("form", *numbers, right=numbers)
    for form in dict.fromkeys(rule.form for rule in rules):
        by = [count[form, severity] for severity in ("critical", "warning", "info")]
        table.add_row(form, *map(str, by), str(sum(by)))
    return table
