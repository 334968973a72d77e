"""Who a participant is: identifiers become pseudonyms. Not here: columns of names and births (personal)."""

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from data_contracts.errors import Problem, ReadError
from data_contracts.forms import ReadForm

LENGTH = 12  # base32 characters: 60 bits; among 100,000 participants two share one in 1 of 230 million trials
PARTICIPANT = "participant"


def pseudonym(identifier: str, key: bytes) -> str:
    """Return what an identifier is called: the same with the same key, and nothing to be led back by."""
    digest = hmac.digest(key, normal(identifier).encode(), hashlib.sha256)
    return base64.b32encode(digest).decode()[:LENGTH]


def normal(identifier: str) -> str:
    """Return an identifier as the readers give it: composed (NFC), without spaces around it."""
    return unicodedata.normalize("NFC", identifier).strip()


def pseudonymised(forms: Mapping[str, ReadForm], key: bytes) -> dict[str, ReadForm]:
    """Return forms with pseudonyms in place of the participants' identifiers; one who is not named stays so.

    Raises:
        ReadError: two identifiers have one pseudonym.
    """
    names = _pseudonyms((form.values[PARTICIPANT] for form in forms.values()), key)
    return {name: _renamed(form, names) for name, form in forms.items()}


def _pseudonyms(columns: Iterable[pd.Series], key: bytes) -> dict[str, str]:
    known = {str(one) for column in columns for one in column.dropna().unique()}
    names = {one: pseudonym(one, key) for one in known}
    if len(set(names.values())) < len({normal(one) for one in known}):
        remedy = "Change the trial's key before the first participant is reported, or leave pseudonyms off."
        problem = Problem("participants", "two identifiers with one pseudonym", "one each", remedy)
        raise ReadError("The identifiers can't be replaced by pseudonyms.", [problem])
    return names


def _renamed(form: ReadForm, names: Mapping[str, str]) -> ReadForm:
    found = form.values[PARTICIPANT]
    renamed = found.map(dict(names)).astype("str").where(found.notna())
    is_theirs = form.unreadable["column"] == PARTICIPANT
    unreadable = form.unreadable.assign(found=form.unreadable["found"].mask(is_theirs, "an identifier"))
    values = form.values.assign(**{PARTICIPANT: renamed})
    return replace(form, values=values, unreadable=unreadable)
