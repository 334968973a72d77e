"""`srt fit`: one mixed model on one file, without a plan. Not here: reading it, fitting it (analysis.estimators)."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer

from pipelines.cli.arguments import AsJson
from pipelines.cli.output import plain_table, print_json, put, say, stdout_kept

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from analysis.estimators.adhoc_fit import AdhocFit, AdhocModel
    from data_contracts.readers.adhoc import Spelling

MODEL, DATA, ASKED = "The model", "The file", "What to show"
File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]
Formula = Annotated[
    str, typer.Option(help='Such as "hours ~ base*visit + sex + arm*visit".', rich_help_panel=MODEL)
]
Subject = Annotated[
    str, typer.Option(metavar="COLUMN", help="Whose rows belong together.", rich_help_panel=MODEL)
]
Visit = Annotated[
    str, typer.Option(metavar="COLUMN", help="When; a factor in the formula too.", rich_help_panel=MODEL)
]
Covariance = Annotated[
    str,
    typer.Option(help="Over visits: us, cs, csh, ar1, ar1h, toep, toeph, ad, adh …", rich_help_panel=MODEL),
]
Fallback = Annotated[
    list[str] | None,
    typer.Option(help="Covariances to try in turn when it fails: toeph,ar1h,csh,cs.", rich_help_panel=MODEL),
]
Group = Annotated[
    str, typer.Option(metavar="COLUMN", help="A covariance of its own for each level.", rich_help_panel=MODEL)
]
Random = Annotated[
    list[str] | None,
    typer.Option(
        help='Random effects: site, school:class, therapist:arm=SRT, "id:1 + month". Repeatable.',
        rich_help_panel=MODEL,
    ),
]
Weights = Annotated[str, typer.Option(metavar="COLUMN", help="Of observations.", rich_help_panel=MODEL)]
Method = Annotated[
    str, typer.Option(click_type=click.Choice(["reml", "ml"]), help="Likelihood.", rich_help_panel=MODEL)
]
Df = Annotated[
    str,
    typer.Option(
        help="kenward-roger (with reml the default), kenward-roger-linear, satterthwaite (with ml), "
        "between-within, residual.",
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
Information = Annotated[
    str,
    typer.Option(
        click_type=click.Choice(["observed", "expected"]), help="For the df.", rich_help_panel=MODEL
    ),
]
Emmeans = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FACTOR[:BY]",
        help="Least-squares means, with contrasts, such as arm:visit.",
        rich_help_panel=ASKED,
    ),
]
Contrasts = Annotated[
    list[str] | None,
    typer.Option(metavar="FACTOR[:BY[:REF]]", help="Contrasts, such as arm:visit:UC.", rich_help_panel=ASKED),
]
Reference = Annotated[
    str,
    typer.Option(metavar="LEVEL", help="Of contrasts; the first level if not given.", rich_help_panel=ASKED),
]
Alpha = Annotated[float, typer.Option(help="Of the limits.", min=1e-9, max=0.999999, rich_help_panel=ASKED)]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="A cell that means no value, in any column. Repeatable.", rich_help_panel=DATA
    ),
]
Delimiter = Annotated[str, typer.Option(help="Of a CSV.", rich_help_panel=DATA)]
Decimal = Annotated[str, typer.Option(help="Mark in a CSV's numbers.", rich_help_panel=DATA)]
Encoding = Annotated[
    str, typer.Option(help="When a CSV is not UTF-8, or an SPSS file says wrong.", rich_help_panel=DATA)
]


def fit(
    file: File,
    *,
    formula: Formula,
    subject: Subject = "",
    visit: Visit = "",
    covariance: Covariance = "us",
    df: Df = "",
    method: Method = "reml",
    information: Information = "observed",
    random: Random = None,
    group: Group = "",
    weights: Weights = "",
    fallback: Fallback = None,
    emmeans: Emmeans = None,
    contrasts: Contrasts = None,
    reference: Reference = "",
    alpha: Alpha = 0.05,
    missing: Missing = None,
    delimiter: Delimiter = ",",
    decimal: Decimal = ".",
    encoding: Encoding = "",
    as_json: AsJson = False,
) -> None:
    """Fit a mixed model for repeated measures to a file: .csv, .sav or .parquet.

    A column of numbers is numeric; any other is a factor, levels in natural order.
    --visit, --group, --random, --emmeans, --contrasts and C(column) make factors.
    Numbers with SPSS value labels stay numbers, unless made a factor.

    An empty cell is missing. NA, NaN and "." are so in a column of numbers only;
    elsewhere --missing NA makes them so. Codes an SPSS file declares missing are.
    Digits with leading zeros are codes. Incomplete rows are left out and counted.

    Exit codes: 3 the request does not suit the file (formula, column, rows),
    4 the file can't be read, 6 too little data, or not converged.
    """
    model = _model(
        {
            "formula": formula, "subject": subject, "visit": visit, "group": group, "weights": weights,
            "method": method, "df": df, "information": information, "alpha": alpha,
        },
        covariances=(covariance, *_listed(fallback)), random=random or [],
        emmeans=emmeans or [], contrasts=contrasts or [], reference=reference,
    )  # fmt: skip
    with stdout_kept() if as_json else nullcontext():
        found = _fitted(file, model, _spelling(delimiter, decimal, encoding, missing or []))
    if as_json:
        from analysis.estimators.adhoc_record import fit_record

        print_json({"file": file.name, "status": "success", **fit_record(found)})
    else:
        _show(found)


def _listed(fallback: list[str] | None) -> list[str]:
    return [name.strip() for text in fallback or [] for name in text.split(",") if name.strip()]


def _model(
    plain: dict[str, Any],
    *,
    covariances: tuple[str, ...],
    random: list[str],
    emmeans: list[str],
    contrasts: list[str],
    reference: str,
) -> "AdhocModel":
    """Return the model the options ask for; means come with contrasts, unless those are asked for in other words."""
    from dataclasses import replace

    from analysis.estimators.adhoc_fit import AdhocModel, parsed_means, parsed_random

    means = [parsed_means(text) for text in emmeans]
    asked = [parsed_means(text) for text in contrasts]
    known = {(one.factor, one.by) for one in asked}
    compared = [*asked, *(one for one in means if (one.factor, one.by) not in known)]
    return AdhocModel(
        **plain,
        covariances=tuple(dict.fromkeys(covariances)),
        random=[parsed_random(text) for text in random],
        means=means,
        contrasts=[one if one.reference else replace(one, reference=reference) for one in compared],
    )


def _spelling(delimiter: str, decimal: str, encoding: str, missing: list[str]) -> "Spelling":
    from data_contracts.readers.adhoc import Spelling

    mark = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(mark) != 1 or len(decimal) != 1 or mark == decimal:
        raise typer.BadParameter("--delimiter and --decimal are one character each, and different")
    return Spelling(mark, decimal, encoding, frozenset(missing))


def _fitted(file: Path, model: "AdhocModel", spelling: "Spelling") -> "AdhocFit":
    from analysis.estimators.adhoc_fit import fit_adhoc
    from data_contracts.readers.adhoc import read_adhoc

    return fit_adhoc(read_adhoc(file, spelling), model)


def _show(found: "AdhocFit") -> None:
    """Print the fit: head, coefficients, covariance, random effects, means, contrasts, notes."""
    import pandas as pd

    from analysis.estimators.covariance_ladder import frames_by_group

    fit, model = found.fit, found.model
    for line in _head(found):
        say(line)
    coefficients = [fit.params, fit.bse, fit.df, fit.tvalues, fit.pvalues]
    titles = ["estimate", "se", "df", "t", "p", "lower", "upper"]
    table = pd.concat([*coefficients, fit.conf_int(model.alpha)], axis=1).set_axis(titles, axis=1)
    _put("Fixed effects", table.rename_axis("term").reset_index())
    for group, frame in frames_by_group(fit.covariance).items():
        title = f"Covariance over visits {group}" if model.visit else f"Residual variance {group}"
        _put(title.strip(), frame.rename_axis("visit").reset_index() if model.visit else frame)
    if len(variances := fit.random_effects_variances):
        _put("Random effects", variances.rename_axis("component").reset_index())
    for frame in found.means:
        _put("Least-squares means", frame)
    for frame in found.contrasts:
        _put("Contrasts", frame)
    for note in found.notes:
        say(f"Note: {note}", "dim")


def _head(found: "AdhocFit") -> list[str]:
    fit, model, convergence = found.fit, found.model, found.fit.convergence
    size = f"{fit.nobs:,} observations" + (f" of {fit.n_subjects:,} participants" if model.subject else "")
    return [
        model.formula,
        f"{size}; {model.method.upper()}; covariance {fit.covariance_structure}; df {model.degrees_of_freedom}",
        f"log-likelihood {fit.llf:.6f}   AIC {fit.aic:.4f}   BIC {fit.bic:.4f}",
        f"{convergence.status} in {convergence.steps} steps (scaled gradient {convergence.gradient_norm:.1e})",
    ]


def _put(title: str, frame: "pd.DataFrame") -> None:
    from rich.text import Text

    say(f"\n{title}", "bold")
    numbers = tuple(str(name) for name in frame if frame[name].dtype.kind == "f")
    table: Table = plain_table(*map(str, frame), right=numbers)
    for row in frame.to_dict(orient="records"):
        table.add_row(*(Text(_cell(str(name), value)) for name, value in row.items()))
    put(table)


def _cell(name: str, value: Any) -> str:
    from analysis.reporting import numbers

    if not isinstance(value, float):
        return str(value)
    if value != value:  # noqa: PLR0124  NaN
        return numbers.ABSENT
    return numbers.p_value(value) if name == "p" else f"{value:.5g}"
