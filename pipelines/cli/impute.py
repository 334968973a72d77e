"""`srt impute`: reference-based imputation of one file, without a plan. Not here: reading it, imputing (analysis)."""

import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from pipelines.cli.arguments import AsJson
from pipelines.cli.output import err, note, plain_table, print_json, put, say, stdout_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from analysis.estimators.adhoc_impute import AdhocImputation, Progress
    from analysis.estimators.adhoc_impute_table import ImputeRequest

DATA, MODEL, MISSING, ERRORS, DELTA, FILE = (
    "The trial", "The models", "What is assumed of missing outcomes", "Standard errors", "Deltas", "The file"
)  # fmt: skip
PATIENCE = 2.0  # seconds before a bar is worth its line
File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]


def _column(panel: str, text: str) -> Any:
    return typer.Option(metavar="COLUMN", help=text, rich_help_panel=panel)


def _choice(panel: str, text: str, *names: str, **options: Any) -> Any:
    return typer.Option(click_type=click.Choice(names), help=text, rich_help_panel=panel, **options)


Outcome = Annotated[str, _column(DATA, "Numbers; blank, or without a row, is missing.")]
Subject = Annotated[str, _column(DATA, "Whose rows belong together.")]
Visit = Annotated[str, _column(DATA, "When, after randomisation; baseline is a covariate.")]
Arm = Annotated[str, _column(DATA, "As randomised.")]
Reference = Annotated[
    str, typer.Option(metavar="ARM", help="The other arms are compared with it.", rich_help_panel=DATA)
]
Cluster = Annotated[
    str, _column(ERRORS, "Leave out, or draw, whole clusters: a therapist, a site; blank is a cluster alone.")
]
Covariates = Annotated[
    str,
    typer.Option(
        metavar="TERMS",
        help="Of the imputation model, such as 'base*visit,site,sex'; arm × visit is always in it.",
        rich_help_panel=MODEL,
    ),
]
AnalysisCovariates = Annotated[
    str,
    typer.Option(metavar="TERMS", help="Of the analysis, such as 'base,site,sex'.", rich_help_panel=MODEL),
]
Covariance = Annotated[str, typer.Option(help="Over visits, as in srt fit.", rich_help_panel=MODEL)]
Group = Annotated[str, _column(MODEL, "A covariance of its own for each level, such as the arm.")]
Method = Annotated[str, _choice(MODEL, "Likelihood of the imputation model.", "reml", "ml")]
Analysis = Annotated[
    str, _choice(MODEL, "Of the completed data: each visit alone, or all.", "ancova", "mmrm")
]
Strategy = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[ARM=]mar|j2r|cr|cir|lmcf",
        help="After the intercurrent event, for all or for an arm; mar unless given. Repeatable.",
        show_default=False,
        rich_help_panel=MISSING,
    ),
]
Ice = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Intercurrent events: columns participant, visit (the first affected), strategy (blank: --strategy).",
        rich_help_panel=MISSING,
    ),
]
AfterEvent = Annotated[
    str,
    _choice(MISSING, "Outcomes observed after an event whose strategy is not mar.", "keep", "impute"),
]
Route = Annotated[
    str,
    _choice(
        ERRORS,
        "Conditional means, or random imputations: bootstrap or Gibbs draws.",
        "condmean",
        "approxbayes",
        "bayes",
    ),
]
Se = Annotated[
    str | None,
    _choice(
        ERRORS,
        "jackknife or bootstrap with condmean, else rubin.",
        "jackknife",
        "bootstrap",
        "rubin",
        show_default=False,
    ),
]
M = Annotated[int, typer.Option("--m", help="Imputations, or bootstrap samples.", rich_help_panel=ERRORS)]
Seed = Annotated[int, typer.Option(help="Of all that is random.", min=0, rich_help_panel=ERRORS)]
Alpha = Annotated[float, typer.Option(help="Of the limits.", min=1e-9, max=0.999999, rich_help_panel=ERRORS)]
OneError = Annotated[
    bool,
    typer.Option(
        "--one-se",
        help="Leave out the other standard error, shown beside reference-based ones.",
        rich_help_panel=ERRORS,
    ),
]
DeltaOption = Annotated[
    list[str] | None,
    typer.Option(
        "--delta",
        metavar="[ARM=]V[,V…][:MODE]",
        help="Add to imputed values from the event on: SRT=-2, one value a visit SRT=0,-1,-2; "
        "MODE cumulative adds V again at each visit, gaps also before an event. Repeatable.",
        rich_help_panel=DELTA,
    ),
]
GridOption = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="ARM=V,V…[:MODE]",
        help="Contrasts at each of these deltas, or ARM=FROM..TO/STEP; twice for two arms.",
        rich_help_panel=DELTA,
    ),
]
Tipping = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ARM[:MODE]",
        help="The delta at which a contrast is no longer significant.",
        rich_help_panel=DELTA,
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A cell that means no value. Repeatable.", rich_help_panel=FILE),
]
Delimiter = Annotated[str, typer.Option(help="Of a CSV.", rich_help_panel=FILE)]
Decimal = Annotated[str, typer.Option(help="Mark in a CSV's numbers.", rich_help_panel=FILE)]
Encoding = Annotated[str, typer.Option(help="When a CSV is not UTF-8.", rich_help_panel=FILE)]


def impute(  # noqa: PLR0917
    file: File,
    outcome: Outcome,
    subject: Subject,
    visit: Visit,
    arm: Arm,
    reference: Reference,
    covariates: Covariates = "",
    analysis_covariates: AnalysisCovariates = "",
    strategy: Strategy = None,
    route: Route = "condmean",
    se: Se = None,
    cluster: Cluster = "",
    covariance: Covariance = "us",
    group: Group = "",
    method: Method = "reml",
    analysis: Analysis = "ancova",
    m: M = 100,
    seed: Seed = 1,
    ice: Ice = None,
    after_event: AfterEvent = "keep",
    delta: DeltaOption = None,
    grid: GridOption = None,
    tipping: Tipping = None,
    alpha: Alpha = 0.05,
    one_se: OneError = False,
    missing: Missing = None,
    delimiter: Delimiter = ",",
    decimal: Decimal = ".",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Impute missing outcomes of a file, by reference if asked, and compare the arms.

    FILE (.csv, .sav, .parquet) has a row per participant and visit; a row that is
    absent and a blank outcome both mean missing. Without --ice the intercurrent
    event is the first visit after the last observed one. Outcomes missing before
    an event are missing at random. Contrasts are each other arm less --reference.

    Exit codes: 3 the request does not suit the file, 4 a file can't be read,
    6 too little data, or a model that did not converge.
    """
    from analysis.estimators.adhoc_impute_table import ImputeRequest

    request = ImputeRequest(
        outcome=outcome, subject=subject, visit=visit, arm=arm, reference=reference, covariates=covariates,
        analysis_covariates=analysis_covariates, strategies=tuple(strategy or ["mar"]), route=route, se=se or "",
        cluster=cluster, covariance=covariance, group=group, method=method, analysis=analysis, m=m, seed=seed,
        alpha=alpha, after_event=after_event, deltas=tuple(delta or ()), grid=tuple(grid or ()),
        tipping=tuple(tipping or ()), side_by_side=not one_se,
    )  # fmt: skip
    spelling = delimiter, decimal, encoding, missing or []
    with stdout_kept() if as_json else nullcontext():
        found = _imputed(file, ice, request, spelling)
    if as_json:
        from analysis.estimators.adhoc_impute_record import impute_record

        print_json({"file": file.name, "status": "success", **impute_record(found)})
    else:
        _show(found)


def _imputed(
    file: Path, ice: Path | None, request: "ImputeRequest", spelling: tuple[str, str, str, list[str]]
) -> "AdhocImputation":
    from analysis.estimators.adhoc_impute import impute_adhoc
    from data_contracts.readers.adhoc import read_adhoc
    from pipelines.cli.fit import _spelling

    written = _spelling(*spelling)
    table = read_adhoc(file, written)
    events = None if ice is None else read_adhoc(ice, written)
    with _bar() as progress:
        return impute_adhoc(table, request, events, progress)


@contextmanager
def _bar() -> "Iterator[Progress]":
    """Yield what tells how far it is: a bar on stderr, once it has taken two seconds; in a file, its end alone."""
    from rich.progress import Progress as Bar

    console, started = err(), time.monotonic()
    bar, tasks = Bar(console=console, transient=console.is_terminal), {}

    def tell(what: str, done: int, total: int) -> None:
        if time.monotonic() - started < PATIENCE:
            return
        bar.start()
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)

    try:
        yield tell
    finally:
        bar.stop()


def _show(found: "AdhocImputation") -> None:
    """Print what was assumed, the contrasts, the means, what was imputed, deltas, notes."""
    for line in _head(found):
        say(line)
    columns = ["visit", "contrast", "estimate", "se", "df", "lower", "upper", "p"]
    _put("Contrasts", found.pooled.contrasts[columns])
    means = found.pooled.lsmeans.drop(columns="contrast")
    _put("Least-squares means", means[["visit", "arm", *columns[2:-1]]])
    if found.both is not None:
        _put("Standard errors by both methods", found.both)
    if found.grid is not None:
        deltas = [name for name in found.grid if str(name).startswith("delta_")]
        _put("Deltas", found.grid[[*deltas, *columns]])
    if found.tipping:
        _put("Tipping points", _tipping_table(found))
    _put("Imputed", found.counts)
    for text in found.notes:
        note(f"Note: {text}")


def _tipping_table(found: "AdhocImputation") -> "pd.DataFrame":
    import pandas as pd

    rows = [
        (str(one.arm), str(one.visit), one.contrast, one.delta, one.estimate, one.se, one.reason)
        for one in found.tipping
    ]
    return pd.DataFrame(rows, columns=["delta in", "visit", "contrast", "delta", "estimate", "se", "reason"])


def _head(found: "AdhocImputation") -> list[str]:
    from analysis.imputation import TITLES

    request, base, pooled = found.request, found.base, found.pooled
    used = sorted(set(base.events.strategies))
    many = f", {pooled.n_sets} {_what(pooled.se_method)}" + (
        f", {pooled.n_failed} failed" if pooled.n_failed else ""
    )
    return [
        base.outcomes.roles.formula,
        f"{base.outcomes.n} participants; after an event: {', '.join(TITLES[name] for name in used)}",
        f"route {request.route}, standard errors by {pooled.se_method}{many}"
        + (f", clusters {request.cluster}" if request.cluster else "")
        + ("" if pooled.se_method == "jackknife" else f", seed {request.seed}"),
    ]


def _what(se_method: str) -> str:
    return {"jackknife": "units left out in turn", "bootstrap": "samples", "rubin": "imputations"}[se_method]


def _put(title: str, frame: "pd.DataFrame") -> None:
    from rich.text import Text

    from pipelines.cli.fit import _cell

    say(f"\n{title}", "bold")
    numbers = tuple(str(name) for name in frame if frame[name].dtype.kind in "fi")
    table = plain_table(*map(str, frame), right=numbers)
    for row in frame.to_dict(orient="records"):
        table.add_row(*(Text(_cell(str(name), value)) for name, value in row.items()))
    put(table)
