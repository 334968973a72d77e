"""The pages' templates. Not here: what is put into them."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "template"


@cache
def environment() -> "Environment":
    """Return the templates; what is missing from a page's content is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style(*names: str) -> str:
    """Return style sheets, one after the other."""
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)
