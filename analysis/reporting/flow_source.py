"""Which rows of the results table a number of the flow chart is read from. Not here: reading, drawing them."""

from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.reporting.consort import Flow, Reasons, Way
from analysis.reporting.table import sources

OF_STAGE = {"received therapy": "at least one session"}  # what is counted there stands beside the count


def stage_source(flow: Flow, way: Way | None, stage: str, visit: str = "") -> str:
    """Return the source of a stage's count in one way, or of everybody (no way)."""
    return _key(flow, way, stage, visit, OF_STAGE.get(stage, ""))


def left_source(flow: Flow, way: Way, stage: str, left: Reasons, visit: str = "") -> str:
    """Return the sources of how many left at a stage: a row per reason, where reasons are given."""
    told = [_key(flow, way, stage, visit, reason) for reason, n in left.by_reason if n]
    untold = left.n != sum(n for _, n in left.by_reason)
    return sources(*told, *([_key(flow, way, stage, visit, "")] if untold else []))


def reason_source(flow: Flow, way: Way, stage: str, reason: str, visit: str = "") -> str:
    """Return the source of how many left for one reason."""
    return _key(flow, way, stage, visit, reason)


def _key(flow: Flow, way: Way | None, stage: str, visit: str, reason: str) -> str:
    by_site = flow.by == "site" and way is not None
    code = "" if way is None else way.code
    parts = [BY_SITE if by_site else DISPOSITION, stage, "count", visit, "" if by_site else code]
    at = code if by_site else reason
    return "/".join([*parts, at] if at else parts)
