"""A fit as text; nothing is computed here."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit


def summary(fit: "MMRMFit") -> str:
    """Method, convergence, fixed effects, covariance, notes."""
    return "\n\n".join([_head(fit), _coefficients(fit), _covariance(fit), *_notes(fit)])


def _head(fit: "MMRMFit") -> str:
    method = "REML" if fit.fitted.likelihood.reml else "ML"
    found = fit.convergence
    lines = [
        f"Mixed model for repeated measures: {fit.model.formula}",
        f"{fit.nobs} observations of {fit.n_subjects} participants; {method}; covariance {fit.covariance_structure};"
        f" degrees of freedom {fit.df_method}" + (f"; sandwich {fit.robust}" if fit.robust else ""),
        f"log-likelihood {fit.llf:.6f}   AIC {fit.aic:.3f}   BIC {fit.bic:.3f}",
        f"{found.status} in {found.steps} steps from {found.start}, gradient {found.gradient_norm:.1e}"
        + (f": {found.reason}" if found.reason else ""),
    ]
    return "\n".join(lines)


def _coefficients(fit: "MMRMFit") -> str:
    columns = [fit.params, fit.bse, fit.df, fit.tvalues, fit.pvalues]
    frame = pd.concat([*columns, fit.conf_int()], axis=1)
    return frame.set_axis(["estimate", "se", "df", "t", "p", "lower", "upper"], axis=1).to_string(
        float_format="%.5g"
    )


def _covariance(fit: "MMRMFit") -> str:
    found = fit.covariance
    frames = found if isinstance(found, dict) else {"": found}
    texts = [
        f"covariance {group}".strip() + "\n" + frame.to_string(float_format="%.5g")
        for group, frame in frames.items()
    ]
    return "\n\n".join(texts)


def _notes(fit: "MMRMFit") -> list[str]:
    lines = list(fit.model.notes)
    lines += [f"covariance {name} was left: {reason}" for name, reason in fit.failed_attempts.items()]
    if fit.convergence.at_boundary:
        lines.append(f"at the boundary: {', '.join(fit.convergence.at_boundary)}")
    if fit.convergence.other_optima:
        values = ", ".join(f"{value:.3f}" for value in fit.convergence.other_optima)
        lines.append(f"the likelihood has other optima, all lower, at {values}")
    return ["notes\n" + "\n".join(f"- {line}" for line in lines)] if lines else []
