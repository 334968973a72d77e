"""Standard errors, degrees of freedom and tests, a file per method. To add one: a file, and a line in METHODS."""

from collections.abc import Callable
from dataclasses import replace

from analysis.mixed.errors import MeaninglessRequestError
from analysis.mixed.inference.between_within import BetweenWithin, between_within
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.inference.information import INFORMATION
from analysis.mixed.inference.kenward_roger import kenward_roger, kenward_roger_linear
from analysis.mixed.inference.method import FTest, Method
from analysis.mixed.inference.residual import ResidualDf, residual_df
from analysis.mixed.inference.sandwich import ADJUSTMENTS, sandwich
from analysis.mixed.inference.satterthwaite import Satterthwaite

METHODS: dict[str, Callable[[Fitted], Method]] = {
    "kenward-roger": kenward_roger,
    "kenward-roger-linear": kenward_roger_linear,
    "satterthwaite": Satterthwaite,
    "between-within": between_within,
    "residual": residual_df,
}


def inference(fitted: Fitted, df: str, robust: str | None) -> Method:
    """The method asked for; with a sandwich, 'satterthwaite' means Bell and McCaffrey's degrees of freedom."""
    if robust is None:
        return METHODS[df](fitted)
    robust_one = sandwich(fitted, robust)
    if df == "satterthwaite":
        return robust_one
    plain = METHODS[df](fitted)
    if isinstance(plain, ResidualDf | BetweenWithin):
        return replace(plain, covariance=robust_one.covariance)
    raise MeaninglessRequestError(
        f"df='{df}' adjusts the model-based covariance, but robust='{robust}' replaces it:"
        " use df='satterthwaite', 'between-within' or 'residual' with a sandwich"
    )


__all__ = ["ADJUSTMENTS", "INFORMATION", "METHODS", "FTest", "Fitted", "Method", "inference"]
