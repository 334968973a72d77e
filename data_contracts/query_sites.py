"""At which site a query is to be settled. Not here: rules on sites (suites.sites), asking (queries)."""

from collections.abc import Mapping

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.queries import cell_text
from data_contracts.spec import Trial

TELLS = ("participants", "allocation")  # kinds of form; the first that names a participant's site counts


def with_sites(queries: pd.DataFrame, forms: Mapping[str, ReadForm], trial: Trial) -> pd.DataFrame:
    """Return the queries with a column `site`: the record's own, else its participant's, else "".

    Args:
        queries: (n, QUERY_COLUMNS).
        forms: The forms as read.
        trial: The trial.
    """
    labels = {spelling: site.code for site in trial.sites for spelling in site.spellings}
    of_participant = _sites(forms, trial)
    found = [
        _own(forms[form], row) or of_participant.get(participant, "")
        for form, row, participant in zip(
            queries["form"], queries["row"], queries["participant"], strict=True
        )
    ]
    return queries.assign(site=pd.Series([labels.get(s, s) for s in found], queries.index, dtype="str"))


def _own(form: ReadForm, row: object) -> str:
    return cell_text(form, int(row), "site") if "site" in form.values and not pd.isna(row) else ""  # type: ignore[call-overload]


def _sites(forms: Mapping[str, ReadForm], trial: Trial) -> Mapping[str, str]:
    """Return each participant's site, as the first form that knows it has it."""
    names = [form.name for kind in TELLS for form in trial.forms_of(kind) if form.name in forms]  # type: ignore[arg-type]
    known: dict[str, str] = {}
    for values in (forms[name].values for name in names):
        if {"participant", "site"} <= set(values.columns):
            pairs = values[["participant", "site"]].dropna().astype("str")
            for participant, site in zip(pairs["participant"], pairs["site"], strict=True):
                known.setdefault(participant, site)
    return known
