"""Covariance structures over visits, one file each. To add one: a file, and a line in STRUCTURES."""

from collections.abc import Callable

from analysis.mixed.covariance.ad import ante_dependence
from analysis.mixed.covariance.adh import heterogeneous_ante_dependence
from analysis.mixed.covariance.ar1 import autoregressive
from analysis.mixed.covariance.ar1h import heterogeneous_autoregressive
from analysis.mixed.covariance.cs import compound_symmetry
from analysis.mixed.covariance.csh import heterogeneous_compound_symmetry
from analysis.mixed.covariance.diag import diagonal
from analysis.mixed.covariance.iid import independent
from analysis.mixed.covariance.sp_exp import spatial_exponential
from analysis.mixed.covariance.structure import Derivatives, Structure
from analysis.mixed.covariance.toep import toeplitz
from analysis.mixed.covariance.toeph import heterogeneous_toeplitz
from analysis.mixed.covariance.us import unstructured

STRUCTURES: dict[str, Callable[[int], Structure]] = {
    "us": unstructured,
    "cs": compound_symmetry,
    "csh": heterogeneous_compound_symmetry,
    "ar1": autoregressive,
    "ar1h": heterogeneous_autoregressive,
    "toep": toeplitz,
    "toeph": heterogeneous_toeplitz,
    "ad": ante_dependence,
    "adh": heterogeneous_ante_dependence,
    "sp_exp": spatial_exponential,
    "iid": independent,
    "diag": diagonal,
}

__all__ = ["STRUCTURES", "Derivatives", "Structure"]
