"""The pages' templates. Not here: what is put into them."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.reporting.flow_source import left_source, reason_source, stage_source
from analysis.reporting.table_html import table_html

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "template"


@cache
def environment() -> "Environment":
    """Return the templates; what is missing from a page's content is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (table_html, stage_source, left_source, reason_source):
        made.globals[function.__name__] = function
    made.globals |= {"script": script(), "policy": policy()}
    return made


def style(*names: str) -> str:
    """Return style sheets, one after the other."""
    return "\n".join(_read(name) for name in names)


def script() -> str:
    """Return the one script of a page; the page reads whole without it."""
    return f"\n{_read('page.js')}"


def policy() -> str:
    """Return what a page may load: nothing, but for its own styles and that one script, known by its hash."""
    import base64
    import hashlib

    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
