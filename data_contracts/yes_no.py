"""Which answers of a column that asks yes or no say yes. Not here: which columns ask that of whom (analysis.derive).

Where the column declares labels, the label alone is read: a code says nothing, since 1 is "Yes" in one unit and "No"
in the next. Codes are read only of a number without labels; words without labels, and a label of which it can't be
told, are refused at load.
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
WHOLE: Mapping[str, Said] = {"y": "yes", "n": "no", "n/a": "neither", "n/k": "neither", "d/k": "neither"}
WITHHELD = re.compile(r"(refused|declined|prefer(s|red)? not)( to (say|answer|disclose))?")  # the whole label
YES, NO = _words("yes true"), _words("no false")  # what stands first stands, whatever follows
DENIALS = _words("no not non none nil never without")
DENIED_BY = _words("not non never without")  # these must deny a word of the column's own
UNKNOWN = _words(
    "unknown unk unclear unsure undetermined unspecified unrecorded unreported unassessable unassessed "
    "unclassifiable unclassified uncertain undecided undisclosed unable conditional missing na nk dk pending blank"
)
UNSAID = _words(  # after a denial
    "known recorded stated specified reported assessed assessable applicable available sure certain clear "
    "determined classifiable classified answered yet data information answer record opinion response "
    "know say tell assess determine classify judge"
)
# What may stand before a denial: helping words, and words of degree.
OPENING = _words("do did does can ca could was is has had participant patient client")
HEDGES = OPENING | _words("definitely certainly probably possibly most very highly likely")
BETWEEN = _words("be been possible able to")  # a denial and what is unsaid: "not possible to assess"
UNDENIABLE = _words(  # what isn't so by far may still be so: not fatal is not yet not serious
    "certain certainly definite definitely sure fatal death died life hospitalisation hospitalization "
    "hospitalised hospitalized"
)
MEANT: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {  # column -> its own words for yes, and for no
    EXCLUDED: (_words("excluded ineligible"), _words("eligible included")),
    ATTENDED: (
        _words("attended attends attend attending present came come held done completed"),
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
NUMBERS = ("integer", "number")  # types that are 1 and 0 where no label is declared
REMEDY = 'Let each label begin with "Yes", "No" or "Not known"; codes stay as in the export.'
UNLABELLED = 'Declare what is in the export, such as: type = "category", labels = { Yes = "Yes", No = "No" }.'


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
    """Yield each column of a raw form that asks yes or no and doesn't tell which answer is which."""
    columns = form.get("columns")
    for name in ASKED.get(str(form.get("kind")), ()):
        column = columns.get(name) if isinstance(columns, Mapping) else None
        if not isinstance(column, Mapping):
            continue
        labels, place = column.get("labels"), f"{where}.columns.{name}"
        if not labels and isinstance(kind := column.get("type"), str) and kind not in NUMBERS:
            expected = f"labels that say yes or no to {name!r}, or an integer that is 1 or 0"
            yield Problem(place, f"type {kind!r} without labels", expected, UNLABELLED)
        elif isinstance(labels, Mapping) and labels and (found := _untold(map(str, labels.values()), name)):
            expected = f"labels that say yes or no to {name!r}: they alone are read, never the code"
            yield Problem(f"{place}.labels", found, expected, REMEDY)


def _untold(labels: Iterable[str], column: str) -> str:
    """Return what is wrong with the labels of a column, or ""."""
    said = {label: _of_label(label, column) for label in labels}
    unclear = [label for label in said if said[label] == "unclear"]
    if unclear:
        return f"no clear yes or no in {', '.join(map(repr, unclear))}"
    return "" if "yes" in said.values() else f"none that says yes among {', '.join(map(repr, said))}"


def _of_label(label: str, column: str) -> Said:
    """Return what a label says, read word by word; a number that stands before it, such as "1 = No", is left out."""
    text = label.casefold().replace("’", "'").replace("n't", " not").replace("cannot", "can not")
    text = re.sub(r"\b([a-z])\.", r"\1", text)  # "n.a."
    text = re.sub(r"^[\W\d_]+|[\W_]+$", "", text)
    words = re.findall(r"[a-z]+", text)
    if not words or text in WHOLE:
        return WHOLE.get(text, "unclear")
    if WITHHELD.fullmatch(text):
        return "neither"
    return _plain(words) or _meant(words, *MEANT[column])


def _plain(words: list[str]) -> Said | None:
    """Return what the first word says by itself; None where it depends on what is asked."""
    first = words[0]
    if first in YES:
        return "yes"
    if first in UNKNOWN or _is_unsaid(words):
        return "neither"
    return "no" if first in NO else None


def _is_unsaid(words: list[str]) -> bool:
    """Return whether the words begin with something like "not recorded", "can not be assessed", "no information"."""
    denial, *rest = (*dropwhile(OPENING.__contains__, words), "")
    return denial in DENIALS and next(dropwhile(BETWEEN.__contains__, rest), "") in UNSAID


def _meant(words: list[str], yes: frozenset[str], no: frozenset[str]) -> Said:
    """Return what the words say to the question asked; a denial counts where it comes first and is the only one."""
    rest = list(dropwhile(HEDGES.__contains__, words))
    denied = [word in DENIALS | no for word in rest]
    if any(denied):
        is_clear = denied[0] and sum(denied) == 1 and _is_denied(rest, yes)
        return "no" if is_clear else "unclear"
    return "yes" if yes & set(words) else "unclear"


def _is_denied(rest: list[str], own: frozenset[str]) -> bool:
    """Return whether a denial denies what is asked: "not related", "probably not"; not "not entered"."""
    denial, after = rest[0], set(rest[1:])
    return denial not in DENIED_BY or not after or bool(after & own and not after & UNDENIABLE)
