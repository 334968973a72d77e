"""Which answers of a column that asks yes or no say yes. Not here: which columns ask that of whom (analysis.derive).

Where the column declares labels, the label alone is read: a code says nothing, since 1 is "Yes" in one unit and "No"
in the next. Codes are read only where no label is declared. A label of which it can't be told is refused at load.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import dropwhile
from typing import Any, Literal

from data_contracts.errors import Problem

Said = Literal["yes", "no", "neither", "unclear"]  # "neither" on purpose, such as "Not known"
EXCLUDED, ATTENDED, SERIOUS, RELATED = "excluded", "attended", "serious", "related"
ASKED: Mapping[str, tuple[str, ...]] = {  # kind of form -> its columns that ask yes or no
    "participants": (EXCLUDED,),
    "allocation": (EXCLUDED,),
    "sessions": (ATTENDED,),
    "adverse_events": (SERIOUS, RELATED),
}


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


CODES: Mapping[str, Said] = {"1": "yes", "0": "no"}
WHOLE: Mapping[str, Said] = {"y": "yes", "n": "no", "n/a": "neither", "n/k": "neither"}
YES, NO = _words("yes true"), _words("no false")  # what stands first stands, whatever follows
DENIALS = _words("no not non none nil never without")
UNKNOWN = _words(
    "unknown unk unclear unsure undetermined unspecified unrecorded unreported unassessable unassessed "
    "unclassifiable unclassified conditional missing na nk pending blank"
)
UNSAID = _words(  # after a denial
    "known recorded stated specified reported assessed assessable applicable available sure certain clear "
    "determined classifiable classified answered yet data information answer record opinion response"
)
HEDGES = _words(  # may stand before a denial
    "definitely certainly probably possibly most very highly likely did does was is has had participant patient client"
)
MEANT: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {  # column -> its own words for yes, and for no
    EXCLUDED: (_words("excluded ineligible"), _words("eligible included")),
    ATTENDED: (
        _words("attended attends present came held completed"),
        _words("absent missed cancelled canceled dna unattended rescheduled postponed"),
    ),
    SERIOUS: (
        _words(
            "serious sae susar fatal death died life hospitalisation hospitalization hospitalised hospitalized"
        ),
        _words("nonserious unserious"),
    ),
    RELATED: (
        _words(
            "related definite definitely certain certainly probable probably possible possibly likely suspected"
        ),
        _words("unrelated unlikely"),
    ),
}
REMEDY = 'Let each label begin with "Yes", "No" or "Not known"; codes stay as in the export.'


def says_yes(answer: Any, labels: Mapping[str, str], column: str) -> bool | None:
    """Return whether an answer says yes; None where it is missing, or says neither.

    Args:
        answer: The code as recorded.
        labels: The column's labels by code; none where it declares none.
        column: The column's name: "excluded", "attended", "serious" or "related".
    """
    code = "" if answer is None else str(answer).strip()
    code = code if code in labels else code.removesuffix(".0")
    unlabelled = CODES.get(code) or _of_label(code, column)
    said = _of_label(labels.get(code, ""), column) if labels else unlabelled
    return {"yes": True, "no": False}.get(said)


def labels_saying_yes(labels: Mapping[str, str], column: str) -> tuple[str, ...]:
    """Return the labels that say yes, each once, in their order."""
    return tuple(dict.fromkeys(label for label in labels.values() if _of_label(label, column) == "yes"))


def yes_no_problems(form: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """Yield each column of a raw form that asks yes or no and whose labels don't tell which is which."""
    columns = form.get("columns")
    for name in ASKED.get(str(form.get("kind")), ()):
        column = columns.get(name) if isinstance(columns, Mapping) else None
        labels = column.get("labels") if isinstance(column, Mapping) else None
        if isinstance(labels, Mapping) and labels and (found := _untold(map(str, labels.values()), name)):
            expected = f"labels that say yes or no to {name!r}: they alone are read, never the code"
            yield Problem(f"{where}.columns.{name}.labels", found, expected, REMEDY)


def _untold(labels: Iterable[str], column: str) -> str:
    """Return what is wrong with the labels of a column, or ""."""
    said = {label: _of_label(label, column) for label in labels}
    unclear = [label for label in said if said[label] == "unclear"]
    if unclear:
        return f"no clear yes or no in {', '.join(map(repr, unclear))}"
    return "" if "yes" in said.values() else f"none that says yes among {', '.join(map(repr, said))}"


def _of_label(label: str, column: str) -> Said:
    """Return what a label says, read word by word; a number that stands before it, such as "1 = No", is left out."""
    text = label.strip().casefold().replace("’", "'").replace("n't", " not")
    words = re.findall(r"[a-z]+", text)
    if not words or text in WHOLE:
        return WHOLE.get(text, "unclear")
    return _plain(words) or _meant(words, *MEANT[column])


def _plain(words: list[str]) -> Said | None:
    """Return what the first word says by itself; None where it depends on what is asked."""
    first, second = (*words, "")[:2]
    if first in YES:
        return "yes"
    if first in UNKNOWN or (first in DENIALS and second in UNSAID):
        return "neither"
    return "no" if first in NO else None


def _meant(words: list[str], yes: frozenset[str], no: frozenset[str]) -> Said:
    """Return what the words say to the question asked; a denial counts where it comes first and is the only one."""
    rest = list(dropwhile(HEDGES.__contains__, words))
    denied = [word in DENIALS | no for word in rest]
    if any(denied):
        return "no" if denied[0] and sum(denied) == 1 else "unclear"
    return "yes" if yes & set(words) else "unclear"
