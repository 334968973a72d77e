"""Rows of a table as records. Not here: what is done with them."""

from typing import Any

import pandas as pd


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a dictionary per row, by column name."""
    return [{str(name): value for name, value in record.items()} for record in frame.to_dict("records")]
