"""An imputation as one record of plain values, in full precision, for `srt impute --json`. Not here: imputing."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from analysis.estimators.adhoc_impute import AdhocImputation

CONTRAST = ("visit", "contrast", "estimate", "se", "df", "lower", "upper", "p")
MEAN = ("visit", "arm", "estimate", "se", "df", "lower", "upper", "p")
ALSO = ("mc_se", "within", "between", "lower_percentile", "upper_percentile", "p_percentile")


def impute_record(found: AdhocImputation) -> dict[str, Any]:
    """Return contrasts, means, counts and how they were found; an infinite df (normal limits) is null."""
    request, base, pooled = found.request, found.base, found.pooled
    is_random = pooled.se_method != "jackknife"
    return {
        "route": request.route,
        "se_method": pooled.se_method,
        "seed": request.seed,
        "m": request.m if is_random else None,
        "n_resampled": pooled.n_sets,
        "n_failed": pooled.n_failed,
        "strategies": sorted(set(base.events.strategies)),
        "reference": base.outcomes.roles.reference,
        "formula": base.outcomes.roles.formula,
        "analysis": request.analysis,
        "analysis_formula": base.outcomes.roles.analysis_formula,
        "covariance_structure": request.covariance,
        "covariance_group": request.group or None,
        "cluster": request.cluster or None,
        "alpha": request.alpha,
        "n_participants": base.outcomes.n,
        "n_observations": int(base.is_used.sum()),
        "contrasts": _rows(pooled.contrasts, CONTRAST),
        "lsmeans": _rows(pooled.lsmeans, MEAN),
        "imputed": _rows(found.counts, tuple(found.counts.columns)),
        "standard_errors": None if found.both is None else _rows(found.both, tuple(found.both.columns)),
        "deltas": list(request.deltas),
        "grid": None if found.grid is None else _rows(found.grid, _grid_columns(found.grid)),
        "tipping": [asdict(one) for one in found.tipping],
        "params": {str(name): value for name, value in base.coefficients.items()},
        "diagnostics": dict(found.diagnostics),
        "notes": list(found.notes),
    }


def _grid_columns(grid: pd.DataFrame) -> tuple[str, ...]:
    deltas = [str(name) for name in grid if str(name).startswith("delta_")]
    return (*deltas, *CONTRAST)


def _rows(frame: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    wanted = [name for name in (*names, *ALSO) if name in frame]
    return [
        {name: value for name, value in row.items() if name in wanted}
        for row in frame[list(dict.fromkeys(wanted))].to_dict(orient="records")
    ]
