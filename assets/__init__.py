"""What is materialised: a file per hop, each a sentence. Not here: when (pipelines), how (analysis)."""

import dagster as dg

from assets.analysis_set import analysis_set
from assets.checked import checked
from assets.landing import landing
from assets.raw import raw
from assets.report import report
from assets.results import results
from data_contracts.spec import Trial

HOPS = (landing, raw, checked, analysis_set, results, report)


def trial_assets(trial: Trial) -> list[dg.AssetsDefinition]:
    """Return a trial's hops, from the landing folder to the report."""
    return [hop(trial) for hop in HOPS]
