"""Folders of the pages of all features, and the engine of their templates."""

from functools import cache
from pathlib import Path

from litestar.plugins.jinja import JinjaTemplateEngine

from monitor.web import filters

PACKAGES = Path(__file__).resolve().parents[2]


def page_folders(kind: str) -> list[Path]:
    """Return the folders of a kind, ``templates`` or ``static``, of all pages."""
    patterns = (f"monitor/web/*/{kind}", f"retrain/*/pages/{kind}")
    return sorted(folder for pattern in patterns for folder in PACKAGES.glob(pattern))


@cache
def template_engine() -> JinjaTemplateEngine:
    """Return the engine that compiles each template once for the process."""
    engine = JinjaTemplateEngine(directory=page_folders("templates"))
    filters.register(engine)
    return engine
