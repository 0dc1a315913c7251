"""Folders of the pages of all features, and the engine of their templates."""

from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine

from monitor.web import filters

#: What the frame of each page shows, for pages without a visit.
FRAME = {"user": None, "choices": (), "model": None, "model_name": ""}
PACKAGES = Path(__file__).resolve().parents[2]


def page_folders(kind: str) -> list[Path]:
    """Return the folders of a kind, ``templates`` or ``static``, of all pages."""
    patterns = (f"monitor/web/*/{kind}", f"retrain/*/pages/{kind}")
    return sorted(folder for pattern in patterns for folder in PACKAGES.glob(pattern))


@cache
def template_engine() -> JinjaTemplateEngine:
    """Return the engine that compiles each template once for the process.

    A name that a template misspells, or that its page doesn't pass, is an error.
    """
    engine = JinjaTemplateEngine(directory=page_folders("templates"))
    engine.engine.undefined = StrictUndefined
    engine.engine.globals |= FRAME
    filters.register(engine)
    return engine
