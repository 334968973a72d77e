"""`srt results`: the results table, to read or to take elsewhere. Not here: the query (results_query)."""

import csv
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.writers.cells import neutralised
from pipelines.cli.arguments import AsJson, MaybeTrialName, load
from pipelines.cli.output import counted, note, plain_table, print_json, put, say

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.results_query import Rows

Sql = Annotated[
    str | None, typer.Option("--sql", metavar="QUERY", help="A DuckDB query on the view `results`.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV on stdout, numbers in full precision.")]
USABLE = ("ok", "boundary")
WHOLE = ("count", "missing")  # statistics that are numbers of participants


def results(
    trial: MaybeTrialName = None,
    *,
    sql: Sql = None,
    analysis: Annotated[str | None, typer.Option(help="Only this analysis.")] = None,
    statistic: Annotated[str | None, typer.Option(help='Such as "adjusted mean difference".')] = None,
    visit: Annotated[str | None, typer.Option(help="Only this visit.")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Show the results of one trial or of all, or ask them in SQL.

    TRIAL is a name from `srt trials`; without one, all. In a terminal descriptive rows are left out.
    The names to filter by stand in the table; `--sql "DESCRIBE results"` lists its columns.
    """
    if as_csv and as_json:
        raise typer.BadParameter("choose one of --csv and --json")
    rows = _rows(sql, trial=trial, analysis=analysis, statistic=statistic, visit=visit)
    if as_json:
        print_json({"columns": list(rows.columns), "rows": rows.as_dicts()})
    elif as_csv:
        _write_csv(rows)
    else:
        _show(rows, whole=bool(analysis or statistic or visit)) if sql is None else _show_any(rows)


def _rows(sql: str | None, **wanted: str | None) -> "Rows":
    from pipelines.home import find_home
    from pipelines.results_query import ask, choose, no_results, result_files

    if wanted["trial"]:
        load(wanted["trial"])
    if wanted["trial"] and wanted["trial"] not in result_files(find_home()):
        raise no_results(find_home(), wanted["trial"])
    if sql is None:
        rows = choose(find_home(), **wanted)
        if not rows.records:
            _tell_what_there_is(wanted)
        return rows
    if any(wanted.values()):
        raise typer.BadParameter("--sql stands alone: say the rest in its WHERE")
    return ask(find_home(), sql)


def _tell_what_there_is(wanted: dict[str, str | None]) -> None:
    """Name the values there are of what was asked for in vain; on stderr, an empty answer being no error."""
    from pipelines.home import find_home
    from pipelines.results_query import known_values

    columns = {name: value for name, value in wanted.items() if value and name != "trial"}
    known = {column: known_values(find_home(), column, wanted["trial"]) for column in columns}
    unknown = [
        column for column, value in columns.items() if value.lower() not in map(str.lower, known[column])
    ]
    for column in unknown:
        note(f"No {column} is named {columns[column]!r}; there are: {', '.join(known[column])}")
    if not unknown:
        note("Each of these occurs, but in no row together.")


def _write_csv(rows: "Rows") -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows([_cell(value) for value in record] for record in rows.records)


def _cell(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return neutralised(value) if isinstance(value, str) else value


def _show(rows: "Rows", *, whole: bool) -> None:
    """Print rows for reading; the comparisons alone unless something was asked for."""
    records = rows.as_dicts()
    chosen = [row for row in records if whole or row["role"] != "descriptive"]
    if chosen:
        put(_results_table(chosen))
    left_out = len(records) - len(chosen)
    hint = (
        f"; {counted(left_out, 'descriptive row')} left out (--analysis baseline, observed)"
        if left_out
        else ""
    )
    say(f"\n{counted(len(chosen), 'row')}{hint}", "dim")


def _results_table(rows: list[dict[str, Any]]) -> "Table":
    """Return the results with their limits in one cell, a section per analysis and outcome."""
    from rich.text import Text

    headers = ("statistic", "visit", "arm or contrast", "value", "interval", "p")
    table = plain_table(*headers, right=("value", "p"), unbroken=("value", "interval", "p"))
    several = len({row["trial"] for row in rows}) > 1
    before = ""
    for row in rows:
        group = _group(row, several=several)
        if group != before:
            table.add_section()
            table.add_row(Text(group, style="bold"))
        cells = (_statistic(row), row["visit"], row["contrast"] or row["arm"], *_figures(row))
        table.add_row(*(Text(cell) for cell in cells), style="" if row["status"] in USABLE else "yellow")
        before = group
    return table


def _group(row: dict[str, Any], *, several: bool) -> str:
    name = row["analysis"] if row["analysis"] == row["outcome"] else f"{row['analysis']}: {row['outcome']}"
    return f"{row['trial']}, {name}" if several else name


def _statistic(row: dict[str, Any]) -> str:
    if row["status"] in USABLE:
        return str(row["statistic"])
    return f"{row['statistic']}\n{row['status']}: {row['reason']}"


def _figures(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return value, interval and p as text."""
    from analysis.reporting import numbers

    value, lower, upper, p, se = (_float(row[name]) for name in ("value", "lower", "upper", "p_value", "se"))
    decimals = 0 if row["statistic"] in WHOLE else numbers.decimals_for(se, lower, upper)
    limits = "" if math.isnan(lower + upper) else numbers.interval(lower, upper, decimals).strip("()")
    return numbers.number(value, decimals), limits, "" if math.isnan(p) else numbers.p_value(p)


def _float(value: float | None) -> float:
    return math.nan if value is None else value


def _show_any(rows: "Rows") -> None:
    put(_any_table(rows))
    say(f"\n{counted(len(rows.records), 'row')}", "dim")


def _any_table(rows: "Rows") -> "Table":
    from rich.text import Text

    numeric = {
        column
        for position, column in enumerate(rows.columns)
        if all(isinstance(record[position], (int, float, type(None))) for record in rows.records)
    }
    table = plain_table(*rows.columns, right=tuple(numeric))
    for record in rows.records:
        table.add_row(
            *(Text(f"{v:.6g}" if isinstance(v, float) else "" if v is None else str(v)) for v in record)
        )
    return table
