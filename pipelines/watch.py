"""What is looked after between nights, by the daemon each minute or by `srt alert`. Not here: each part's doing."""

from datetime import UTC, datetime

import dagster as dg

from pipelines.alerts import send_undelivered
from pipelines.home import Home
from pipelines.index_page import refresh_index
from pipelines.leftovers import fail_leftovers
from pipelines.noticing import tell_of_recoveries, tell_of_silence
from pipelines.trials import load_all
from pipelines.undelivered import read


def look_around(instance: dg.DagsterInstance, home: Home) -> str:
    """End what has died, tell what has changed, send what was not taken; return what was done, in a sentence."""
    trials, mistakes = load_all()
    names = [*(one.trial.name for one in trials), *mistakes]
    if ended := fail_leftovers(instance, names, home.ready().locks):
        refresh_index(home)  # a run that died could not
    tell_of_recoveries(instance, home)
    # A shipped example is asked for by hand: nobody expects new data of it.
    tell_of_silence((one.trial for one in trials if not one.is_shipped), home, datetime.now(UTC))
    refused = send_undelivered(home) if read(home) else {}
    said = [f"{len(ended)} runs had lost their process and were ended."] if ended else []
    said += [f"A message waits: {channel}, {why}." for channel, why in refused.items()]
    return " ".join(said) or "All is well."
