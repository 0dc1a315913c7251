"""How numbers and times read on the page."""

import re
from datetime import datetime, timedelta
from typing import Any

from litestar.plugins.jinja import JinjaTemplateEngine

from monitor.rendering.wording import format_lower_bound
from monitor.web.passages import split_passages

#: A break inside a paragraph: not before a blank line, a list's next entry, a quote or a table.
_SOFT_BREAK = re.compile(r"(?<!\n)\n[ \t]*(?!\n|[ \t]*(?:[-*+>|#]|\d+[.)]))")


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share in percent."""
    return "undefined" if value is None else f"{100 * value:.{digits}f}%"


def points(value: float | None) -> str:
    """Return a difference of shares in percentage points, signed."""
    return "undefined" if value is None else f"{100 * value:+.1f} points"


def number(value: float | None, digits: int = 2) -> str:
    """Return a figure, or that it is undefined."""
    return "undefined" if value is None else f"{value:,.{digits}f}"


def p_value(value: float) -> str:
    """Return a p-value: never 0."""
    return f"{value:.2g}" if value >= 1e-4 else "< 0.0001"


def day(value: datetime) -> str:
    """Return a date."""
    return f"{value.day} {value:%b %Y}"


def last_day(end: datetime) -> str:
    """Return the date of the last day of a window that ends with ``end``, exclusive."""
    return day(end - timedelta(microseconds=1))


def minute(value: datetime | None) -> str:
    """Return a time in UTC."""
    return "" if value is None else f"{value.day} {value:%b %Y, %H:%M} UTC"


def join_soft_breaks(text: str) -> str:
    """Return Markdown with the line breaks of its source taken out of its paragraphs."""
    return _SOFT_BREAK.sub(" ", text.strip())


def register(engine: JinjaTemplateEngine) -> None:
    """Make the filters known to the templates; text is escaped unless a template says otherwise."""
    environment = engine.engine
    environment.autoescape = True
    environment.trim_blocks = True
    environment.lstrip_blocks = True
    filters: dict[str, Any] = {
        "percent": percent,
        "least": format_lower_bound,
        "points": points,
        "number": number,
        "p_value": p_value,
        "day": day,
        "last_day": last_day,
        "minute": minute,
        "passages": split_passages,
        "join_soft_breaks": join_soft_breaks,
    }
    environment.filters.update(filters)
