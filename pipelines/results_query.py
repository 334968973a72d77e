"""All trials' results in one DuckDB view of their Parquet files. Not here: printing rows (cli.results)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Problem, ReadError
from pipelines.home import Home

if TYPE_CHECKING:
    import duckdb

VIEW = "results"
CHOSEN = "SELECT * FROM results"


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query gave."""

    columns: tuple[str, ...]
    records: tuple[tuple[Any, ...], ...]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return a dict per row."""
        return [dict(zip(self.columns, record, strict=True)) for record in self.records]


def result_files(home: Home) -> Mapping[str, Path]:
    """Return the Parquet file of each trial that has results, by trial."""
    from pipelines.store import table_files

    trials = sorted(path.name for path in (home.root / "store").glob("*/"))
    found = {trial: table_files(home.store(trial, VIEW)).get(VIEW) for trial in trials}
    return {trial: path for trial, path in found.items() if path is not None}


def choose(home: Home, **wanted: str | None) -> Rows:
    """Return the rows of the results table whose columns have the wanted values; None asks nothing.

    Raises:
        ReadError: there are no results yet.
    """
    asked = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"lower({column}) = lower(${column})" for column in asked)
    return ask(home, f"{CHOSEN} WHERE {where}" if asked else CHOSEN, asked)


def known_values(home: Home, column: str, trial: str | None = None) -> tuple[str, ...]:
    """Return the values a column of the results table has in one trial or in all, in the table's order.

    Raises:
        ReadError: there are no results yet.
    """
    rows = choose(home, trial=trial)
    at = rows.columns.index(column)
    return tuple(dict.fromkeys(str(record[at]) for record in rows.records if record[at]))


def ask(home: Home, sql: str, values: Mapping[str, str] | None = None) -> Rows:
    """Return what a query on the view `results` gives; it can read nothing but the results.

    Raises:
        ReadError: there are no results yet, or the query is wrong.
    """
    import duckdb

    with connect(home) as connection:
        try:
            answer = connection.execute(sql, values or None)
            columns = tuple(column[0] for column in answer.description or ())
            return Rows(columns, tuple(answer.fetchall()))
        except duckdb.Error as error:
            remedy = "The view is `results`; `srt results --sql 'DESCRIBE results'` lists its columns."
            raise ReadError(
                "The query failed.", [Problem("--sql", _first_line(error), "a query in DuckDB's SQL", remedy)]
            ) from None


def connect(home: Home) -> "duckdb.DuckDBPyConnection":
    """Return a connection in memory that has the view `results` and reaches no other file.

    Raises:
        ReadError: there are no results yet.
    """
    import duckdb

    files = [str(path) for path in result_files(home).values()]
    if not files:
        raise no_results(home)
    connection = duckdb.connect()
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute(f"CREATE VIEW {VIEW} AS SELECT * FROM read_parquet([{listed}], union_by_name = true)")  # noqa: S608
    return connection


def no_results(home: Home, trial: str = "") -> ReadError:
    """Return the error that says there are no results, of one trial or of any."""
    remedy = f"`srt run {trial or 'TRIAL'}` makes them."
    problem = Problem(
        str(home.store(trial, VIEW) if trial else home.root / "store"),
        "no results",
        "those of at least one run",
        remedy,
    )
    return ReadError(
        f"There are no results of {trial} yet." if trial else "There are no results yet.", [problem]
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
