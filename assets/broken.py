"""What stands in the catalogue for a trial whose file has mistakes. Not here: finding the mistakes (load)."""

import dagster as dg

from assets.declared import DATA_MANAGEMENT
from assets.failure import as_failure
from data_contracts.errors import PlanError


def broken_trial(name: str, mistakes: PlanError) -> dg.AssetsDefinition:
    """Return the trial's first hop alone: it shows the mistakes, and fails with them until mended."""

    @dg.asset(
        key=[name, "landing"],
        group_name=name,
        owners=[DATA_MANAGEMENT],
        kinds={"toml"},
        metadata={"plan_errors": dg.MetadataValue.text(str(mistakes))},
        description=f"The trial file can't be used; no data are read until it is mended.\n\n{mistakes}",
    )
    def _broken() -> None:
        raise as_failure(mistakes)

    return _broken
