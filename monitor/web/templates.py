"""The templates of all pages."""

from functools import cache
from pathlib import Path

from litestar.plugins.jinja import JinjaTemplateEngine

from monitor.web import filters

FOLDERS = sorted(Path(__file__).resolve().parent.glob("*/templates"))


@cache
def template_engine() -> JinjaTemplateEngine:
    """Return the engine that compiles each template once for the process."""
    engine = JinjaTemplateEngine(directory=FOLDERS)
    filters.register(engine)
    return engine
