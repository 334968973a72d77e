"""Reference-based multiple imputation: base model, strategies, draws, analyses, pooling, deltas.

Arrays and plain frames; no trial files, no reading. The way through it:

    outcomes = arranged(table, roles)
    events = after_last_observed(outcomes, "j2r")
    base = base_model(outcomes, events)
    pooled = leave_units_out(base).pooled(ancova(outcomes))
"""

from analysis.imputation.ancova import Ancova, ancova
from analysis.imputation.arrange import arranged
from analysis.imputation.base_model import BaseModel, Parameters, base_model
from analysis.imputation.both_errors import both_errors
from analysis.imputation.completed import Completed, counts
from analysis.imputation.delta import Delta, cumulative, delta_grid, delta_matrix
from analysis.imputation.errors import ImputationError, NotEstimableError, Refusal
from analysis.imputation.estimates import Analyse, Analysis, Pooled, Row
from analysis.imputation.events import Events, after_last_observed, listed_events, without_set_aside
from analysis.imputation.gibbs import Chains
from analysis.imputation.mmrm_analysis import MmrmAnalysis
from analysis.imputation.outcomes import Outcomes, Roles
from analysis.imputation.routes import Sets, approximate_bayes, bayes, leave_units_out, resample_units
from analysis.imputation.strategies import STRATEGIES, TITLES, Normal, strategy_name
from analysis.imputation.tipping import TippingPoint, tipping_points

__all__ = [
    "STRATEGIES",
    "TITLES",
    "Analyse",
    "Analysis",
    "Ancova",
    "BaseModel",
    "Chains",
    "Completed",
    "Delta",
    "Events",
    "ImputationError",
    "MmrmAnalysis",
    "Normal",
    "NotEstimableError",
    "Outcomes",
    "Parameters",
    "Pooled",
    "Refusal",
    "Roles",
    "Row",
    "Sets",
    "TippingPoint",
    "after_last_observed",
    "ancova",
    "approximate_bayes",
    "arranged",
    "base_model",
    "bayes",
    "both_errors",
    "counts",
    "cumulative",
    "delta_grid",
    "delta_matrix",
    "leave_units_out",
    "listed_events",
    "resample_units",
    "strategy_name",
    "tipping_points",
    "without_set_aside",
]
