"""What a helper column is. Not here: any of them (the files beside)."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from data_contracts.evidence import Evidence
from data_contracts.forms import ReadForm
from data_contracts.rules import Rule


@dataclass(frozen=True, slots=True)
class Helper:
    """A column that a rule judges in place of the form's own, since it takes more than one to tell."""

    meaning: str  # its name on the validation page
    column: Callable[[Rule, ReadForm, Evidence], pd.Series]  # a value for each record
