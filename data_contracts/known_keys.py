"""Which keys a table of a trial's or instrument's file may have. Not here: finding mistakes (load), their words."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel

OF_THE_HEADING = "name"  # of a model, where the file has it as the last part of a [heading]


def known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that may stand beside one of a file; empty where that can't be told.

    Args:
        model: What the file declares.
        loc: The way to the key, from the top of the file.
    """
    places: list[Any] = [model]
    for part in loc[:-1]:
        places = [below for place in places for below in _below(place, part)]
    tables = [place for place in places if _is_table(place)]
    return tuple(key for table in tables for key in table.model_fields if key != OF_THE_HEADING)


def nearest(key: str, known: Sequence[str]) -> str:
    """Return the known key that a misspelt one is nearest to; empty when none is near."""
    return next(iter(difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)), "")


def _below(place: Any, part: str | int) -> Iterator[Any]:
    """Yield what may stand at a key of a table, or at an entry of a list or of a table of tables."""
    if _is_table(place):
        field = place.model_fields.get(str(part))
        if field is not None:
            yield from _options(field.annotation)
    elif get_origin(place) is Mapping:
        yield from _options(get_args(place)[1])
    elif get_origin(place) is tuple:
        yield from _options(get_args(place)[0])


def _options(annotation: Any) -> Iterator[Any]:
    """Yield an annotation, or each of those that it joins."""
    if _is_table(annotation) or get_origin(annotation) in {Mapping, tuple}:
        yield annotation
    else:
        for argument in get_args(annotation):
            yield from _options(argument)


def _is_table(place: Any) -> bool:
    return isinstance(place, type) and issubclass(place, BaseModel)
