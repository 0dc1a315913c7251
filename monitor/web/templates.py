"""Folders of the pages of all features, and the engine of their templates."""

from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine

from monitor.web import filters

#: What the frame of each page shows, for pages without a visit.
FRAME = {"user": None, "choices": (), "model": None, "model_name": "", "left_out": ""}
PACKAGES = Path(__file__).resolve().parents[2]
FOLDERS = {
    "templates": ("monitor/web/*/templates", "retrain/*/pages/templates"),
    "static": ("monitor/web/*/static", "retrain/*/pages/static"),
}


def page_folders(kind: Literal["templates", "static"]) -> list[Path]:
    """Return the folders of the templates, or of the static files, of all pages."""
    return sorted(folder for pattern in FOLDERS[kind] for folder in PACKAGES.glob(pattern))


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
