"""The export as one HTML page: self-contained, escaped, without a script."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.plurals import pluralize
from monitor.privacy.subject_export.document import Export


def to_html(export: Export) -> str:
    """Return the export as a page. Vectors are described; their numbers are in the JSON."""
    return _environment().get_template("export.html").render(export=export)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("monitor.privacy.subject_export"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["pluralize"] = pluralize
    environment.tests["vector"] = _is_vector
    return environment


def _is_vector(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"dimension", "numbers"}
