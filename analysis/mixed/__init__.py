"""Mixed models for repeated measures on pattern Grams: arrays in, estimates out. Not here: trials, files, plans."""

from analysis.mixed.convergence import Convergence
from analysis.mixed.errors import BadDataError, MeaninglessRequestError, MixedModelError, TooLittleDataError
from analysis.mixed.inference import FTest
from analysis.mixed.model import MMRM
from analysis.mixed.results import MMRMFit

__all__ = [
    "MMRM",
    "BadDataError",
    "Convergence",
    "FTest",
    "MMRMFit",
    "MeaninglessRequestError",
    "MixedModelError",
    "TooLittleDataError",
]
