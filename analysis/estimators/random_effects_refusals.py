"""When a random-effects model is refused: data from which it has no meaning. Not here: fits that fail."""

from collections.abc import Callable

import numpy as np

from analysis.estimators.random_effects_data import ROUNDING, Rows, independent_columns

NO_RESIDUAL = 1e-10  # residuals inside groups below this share of the outcome's spread are arithmetic
LARGEST = 1e100  # squares must stay inside floating point


def refusal(rows: Rows) -> str:
    """Return why these rows cannot carry the model, as a sentence, or nothing."""
    return next((reason for check in REFUSALS if (reason := check(rows))), "")


def _no_rows(rows: Rows) -> str:
    return "" if rows.outcome.size else "No row has outcome, covariates and group all present."


def _too_large(rows: Rows) -> str:
    columns = np.column_stack([rows.outcome, rows.design, rows.random])
    names = ("outcome", *rows.terms, *rows.random_terms)
    sizes = np.abs(columns).max(axis=0)
    found = [
        name for name, size in zip(names, sizes, strict=True) if size > LARGEST or 0 < size < 1 / LARGEST
    ]
    return f"Values of {', '.join(found)} are outside 1e-100 to 1e100; change the unit." if found else ""


def _constant_outcome(rows: Rows) -> str:
    return "The outcome has the same value in every row." if np.ptp(rows.outcome) == 0 else ""


def _no_columns(rows: Rows) -> str:
    return "" if rows.terms else "The design has no column that can be estimated."


def _too_few_groups(rows: Rows) -> str:
    single = rows.n_groups < 2
    return "All rows belong to one group; between-group variance needs two or more." if single else ""


def _one_row_each(rows: Rows) -> str:
    single = rows.n_groups == rows.outcome.size
    return "Every group has one row; within and between variance cannot be told apart." if single else ""


def _collinear_random(rows: Rows) -> str:
    kept = independent_columns(rows.random)
    gone = [name for j, name in enumerate(rows.random_terms) if j not in kept]
    return f"Random effects that are combinations of others: {', '.join(gone)}." if gone else ""


def _too_many_random_effects(rows: Rows) -> str:
    n, _, q = rows.size
    effects = rows.n_groups * q
    named = ", ".join(rows.random_terms)
    return (
        ""
        if effects < n
        else f"{effects} random effects ({named}) for {n} rows; nothing is left for the residual."
    )


def _too_many_parameters(rows: Rows) -> str:
    n, p, q = rows.size
    parameters = p + q * (q + 1) // 2 + 1
    return "" if parameters < n else f"{parameters} parameters for {n} rows."


REFUSALS: tuple[Callable[[Rows], str], ...] = (
    _no_rows,
    _too_large,
    _constant_outcome,
    _no_columns,
    _too_few_groups,
    _one_row_each,
    _collinear_random,
    _too_many_random_effects,
    _too_many_parameters,
)


def refusal_of_perfect_fit(rows: Rows, scale: float, residual_df: int, residual_sd: float) -> str:
    """Return why there is no residual variance; `residual_sd` is about design and groups, in data units."""
    rounding = ROUNDING * float(np.abs(rows.outcome).max())
    if scale <= rounding:
        return "The design explains the outcome to the last digit; there is no variance to divide."
    if residual_df <= 0:
        return "Design and random effects together use up all rows; no residual variance is left."
    if residual_df >= rows.outcome.size - len(rows.terms):
        return "The design takes up all differences between groups; no variance between them is left."
    if residual_sd <= max(rounding, NO_RESIDUAL * scale):
        return (
            "Design and random effects explain the outcome to the last digit; no residual variance is left."
        )
    return ""
