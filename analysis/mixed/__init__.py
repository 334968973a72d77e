"""Mixed models for repeated measures on pattern Grams: arrays in, estimates out. Not here: trials, files, plans."""

from analysis.mixed.convergence import Convergence
from analysis.mixed.errors import BadDataError, MeaninglessRequestError, MixedModelError, TooLittleDataError
from analysis.mixed.gram_sum import GramSum
from analysis.mixed.inference import FTest
from analysis.mixed.layout import Layout
from analysis.mixed.model import MMRM
from analysis.mixed.results import MMRMFit
from analysis.mixed.stream import layout_of, layout_of_parquet, sum_parquet

__all__ = [
    "MMRM",
    "BadDataError",
    "Convergence",
    "FTest",
    "GramSum",
    "Layout",
    "MMRMFit",
    "MeaninglessRequestError",
    "MixedModelError",
    "TooLittleDataError",
    "layout_of",
    "layout_of_parquet",
    "sum_parquet",
]
