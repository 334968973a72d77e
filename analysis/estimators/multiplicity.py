"""Families of hypotheses: each answer's p-value adjusted for its family, and whether it was tested at all.

Not here: the answers. Sources: Holm (1979); Hochberg (1988); fixed sequence and serial gatekeeping as in
Dmitrienko and D'Agostino (2013). An answer without a p-value counts as one that was not rejected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.results import Records
from data_contracts.plan import Family
from data_contracts.spec import Trial

ANSWERS: Mapping[
    str, tuple[str, ...]
] = {  # estimator -> the statistics that hold its p-value, the first found
    "moderator": ("interaction test",),
    "cace": ("complier average causal effect",),
    "responder": ("risk difference",),
    "counts": ("rate ratio",),
    "time_to_event": ("hazard ratio",),
    "ordinal": ("common odds ratio",),
}
COMPARED = ("adjusted mean difference", "treatment effect")
UNANSWERED = {"p_value": float("nan")}  # in place of an analysis that has no p-value: its gate stays shut


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A p-value within its family."""

    p: float
    gate: str  # rejected, not rejected, not tested


def adjust(p_values: Sequence[Sequence[float]], method: str, alpha: float) -> list[Adjusted]:
    """Return adjusted p-values in the order given.

    Args:
        p_values: by gate; one gate with any method but "gatekeeping". NaN counts as one.
        method: none, holm, hochberg, fixed sequence, gatekeeping.
        alpha: the family's level.
    """
    gates = [[1.0 if np.isnan(p) else float(p) for p in gate] for gate in p_values]
    if method == "fixed sequence":
        gates = [[p] for gate in gates for p in gate]
    found: list[Adjusted] = []
    before, is_open = 0.0, True
    for gate in gates:
        adjusted = [max(p, before) for p in _within(gate, method)]
        found += [Adjusted(p, _status(p, alpha, is_open=is_open)) for p in adjusted]
        before, is_open = max(adjusted), is_open and max(adjusted) <= alpha
    return found


def with_families(records: Records, trial: Trial) -> Records:
    """Return the results' records with family, adjusted p-value and gate on each family's answers."""
    for family in trial.families.values():
        answers = {name: _answers(records, trial, name) or [dict(UNANSWERED)] for name in family.members}
        gates = [[r for name in gate for r in answers[name]] for gate in _gates(family)]
        p_values = [[float(str(record["p_value"])) for record in gate] for gate in gates]
        adjusted = adjust([gate for gate in p_values if gate], family.method, family.alpha)
        for record, own in zip((r for gate in gates for r in gate), adjusted, strict=True):
            record |= {"family": family.name, "p_adjusted": own.p, "gate": own.gate}
    return records


def _within(gate: Sequence[float], method: str) -> list[float]:
    if method == "none" or len(gate) == 1:
        return list(gate)
    # statsmodels' multipletests does the same, and collects all garbage at each call: 0.15 s in a run.
    return _hochberg(gate) if method == "hochberg" else _holm(gate)


def _holm(gate: Sequence[float]) -> list[float]:
    """Return each p-value times the number of those not smaller, never less than a smaller one's."""
    order, n = np.argsort(gate, kind="stable"), len(gate)
    stepped = np.maximum.accumulate(np.asarray(gate)[order] * (n - np.arange(n)))
    return _placed(np.minimum(stepped, 1.0), order)


def _hochberg(gate: Sequence[float]) -> list[float]:
    """Return each p-value times the number of those not smaller, never more than a larger one's."""
    order, n = np.argsort(gate, kind="stable"), len(gate)
    stepped = np.minimum.accumulate((np.asarray(gate)[order] * (n - np.arange(n)))[::-1])[::-1]
    return _placed(stepped, order)


def _placed(stepped: npt.NDArray[np.float64], order: npt.NDArray[np.intp]) -> list[float]:
    found = np.empty(len(stepped))
    found[order] = stepped
    return [float(p) for p in found]


def _status(p: float, alpha: float, *, is_open: bool) -> str:
    if not is_open:
        return "not tested"
    return "rejected" if p <= alpha else "not rejected"


def _gates(family: Family) -> tuple[tuple[str, ...], ...]:
    return family.gates or (family.analyses,)


def _answers(records: Iterable[dict[str, object]], trial: Trial, name: str) -> list[dict[str, object]]:
    """Return an analysis's answers: a row per contrast, at the estimand's visit or over all visits."""
    analysis = trial.analyses[name]
    visit = trial.estimands[analysis.estimand].visit
    wanted = ANSWERS.get(analysis.estimator, COMPARED)
    own = [r for r in records if r["analysis"] == name and r["visit"] in {visit, ""} and r["contrast"]]
    return [r for r in own if r["statistic"] in wanted] or [r for r in own if _is_refused(r)]


def _is_refused(record: dict[str, object]) -> bool:
    """Say whether a row stands for a whole analysis that could not be done."""
    return record["statistic"] in COMPARED and record["status"] not in {"ok", "boundary"}
