"""The templates of all pages."""

from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine

from monitor.web import filters

#: What the frame of each page shows, for pages without a visit.
FRAME = {"user": None, "choices": (), "model": None, "model_name": ""}
FOLDERS = sorted(Path(__file__).resolve().parent.glob("*/templates"))


@cache
def template_engine() -> JinjaTemplateEngine:
    """Return the engine that compiles each template once for the process.

    A name that a template misspells, or that its page doesn't pass, is an error.
    """
    engine = JinjaTemplateEngine(directory=FOLDERS)
    engine.engine.undefined = StrictUndefined
    engine.engine.globals |= FRAME
    filters.register(engine)
    return engine
