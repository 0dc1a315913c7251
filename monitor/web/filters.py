"""Jinja filters: formats of numbers and times, one for each kind of figure.

Templates format nothing themselves: a figure reads the same on every page.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from litestar.plugins.jinja import JinjaTemplateEngine
from markupsafe import Markup, escape

from monitor.alerts.causes import CAUSES
from monitor.rendering.excerpts import name_version
from monitor.rendering.numbers import explain_mean, format_dominance, format_mean, format_share
from monitor.rendering.wording import describe_incident_status, state_verdict
from monitor.statistics.p_value_text import format_level, format_p_value, state_p_value
from monitor.web.hidden_characters import mark_hidden
from monitor.web.markdown import is_unrendered, render_markdown
from monitor.web.navigation import navigation
from monitor.web.passages import split_passages
from monitor.web.text_blocks import split_blocks
from monitor.web.typed_text import told_kinds
from retrain.rollout.wording.summary import format_wait

#: A line break inside a paragraph: not before a blank line, list item, quote or table.
_SOFT_BREAK = re.compile(r"(?<!\n)\n[ \t]*(?!\n|[ \t]*(?:[-*+>|#]|\d+[.)]))")

#: Characters of a text by which its direction is judged.
JUDGED_CHARACTERS = 4_000


def percent(value: float | None) -> str:
    """Format a rate or a share of counted things in percent, with one decimal."""
    return "undefined" if value is None else f"{100 * value:.1f}%"


def axis_end(value: float) -> str:
    """Format the end of an axis of shares, in whole percent."""
    return f"{100 * value:.0f}%"


def relative(value: float) -> str:
    """Format a relative change, with its sign."""
    return f"{value:+.1%}"


def points(value: float | None) -> str:
    """Format a difference of shares in percentage points, with its sign."""
    return "undefined" if value is None else f"{100 * value:+.1f} points"


def points_of_100(value: float) -> str:
    """Format the change of a probe run, or its threshold, in points of 100."""
    return f"{100 * value:.1f} points"


def count(value: float) -> str:
    """Format a number of things, or a rate of many, without decimals."""
    return f"{value:,.0f}"


def quantity(value: float) -> str:
    """Format a number of things that may be an estimate, with a decimal where it has one."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def signed(value: float | None) -> str:
    """Format a difference or an effect with its sign."""
    return "undefined" if value is None else f"{value:+,.2f}"


def minutes(value: float) -> str:
    """Format the minutes between two pieces of work."""
    return f"{value:.1f}"


def number(value: float | None, digits: int = 2) -> str:
    """Format a number, or ``undefined``."""
    return "undefined" if value is None else f"{value:,.{digits}f}"


def p_value(value: float | None) -> str:
    """Format a p-value; it is never 0, and undefined where nothing was tested."""
    return "undefined" if value is None else format_p_value(value)


def p_stated(value: float | None, level: float | None = None) -> str:
    """Format a p-value as a sentence has it: ``p = 0.03, level 0.005``."""
    return "p undefined" if value is None else state_p_value(value, level)


def day(value: datetime) -> str:
    """Format a date."""
    return f"{value.day} {value:%b %Y}"


def last_day(end: datetime) -> str:
    """Format the last day of a window whose exclusive end is ``end``."""
    return day(end - timedelta(microseconds=1))


def period(start: datetime, end: datetime) -> str:
    """Format a window by its first and last day, without what both have in common."""
    last = end - timedelta(microseconds=1)
    if (start.year, start.month, start.day) == (last.year, last.month, last.day):
        return day(last)
    if start.year != last.year:
        return f"{day(start)} \N{EN DASH} {day(last)}"
    first = f"{start.day}" if start.month == last.month else f"{start.day} {start:%b}"
    return f"{first} \N{EN DASH} {day(last)}"


def minute(value: datetime | None) -> str:
    """Format a time in UTC, to the minute."""
    return "" if value is None else f"{value.day} {value:%b %Y, %H:%M} UTC"


def second(value: datetime) -> str:
    """Format a time to the second, where the page says that times are UTC."""
    return f"{value.day} {value:%b %Y, %H:%M:%S}"


def seconds(value: float) -> str:
    """Format a number of seconds in its largest useful unit."""
    return format_wait(timedelta(seconds=value))


def cause_title(cause: str) -> str:
    """Return the title of an incident's cause."""
    return CAUSES[cause].title


def sentence(message: str) -> str:
    """Return a message as a sentence; a name before its first colon stays as it is."""
    name, colon, _ = message.partition(": ")
    first = message[:1] if colon and " " not in name else message[:1].upper()
    return f"{first}{message[1:]}."


def join_soft_breaks(text: str) -> str:
    """Join the lines of each paragraph of a Markdown text."""
    return _SOFT_BREAK.sub(" ", text.strip())


def direction(text: str) -> str:
    """Return the direction of a text, ``ltr`` or ``rtl``, by the majority of its characters."""
    n = {"L": 0, "R": 0, "AL": 0}
    for character in text[:JUDGED_CHARACTERS]:
        kind = unicodedata.bidirectional(character)
        if kind in n:
            n[kind] += 1
    return "rtl" if n["R"] + n["AL"] > n["L"] else "ltr"


def mark_code(text: str) -> Markup:
    """Escape a text, and render what is between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def usual_time(minutes: float) -> str:
    """Describe the usual time of a review."""
    if minutes < 1:
        return "usually less than a minute each"
    whole = round(minutes)
    return f"usually {whole} minute{'' if whole == 1 else 's'} each"


def register(engine: JinjaTemplateEngine) -> None:
    """Register filters and the navigation, and turn on escaping in all templates."""
    environment = engine.engine
    environment.autoescape = True
    environment.trim_blocks = True
    environment.lstrip_blocks = True
    filters: dict[str, Any] = {
        "percent": percent,
        "share": format_share,
        "mean": format_mean,
        "dominance": format_dominance,
        "axis_end": axis_end,
        "relative": relative,
        "points_of_100": points_of_100,
        "count": count,
        "quantity": quantity,
        "signed": signed,
        "minutes": minutes,
        "second": second,
        "seconds": seconds,
        "points": points,
        "number": number,
        "p_value": p_value,
        "p_level": format_level,
        "p_stated": p_stated,
        "day": day,
        "last_day": last_day,
        "cause_title": cause_title,
        "incident_status": describe_incident_status,
        "verdict": state_verdict,
        "minute": minute,
        "period": period,
        "sentence": sentence,
        "version_name": name_version,
        "wait": format_wait,
        "usual_time": usual_time,
        "passages": split_passages,
        "blocks": split_blocks,
        "marked": mark_hidden,
        "rendered": render_markdown,
        "unrendered": is_unrendered,
        "direction": direction,
        "mark_code": mark_code,
        "join_soft_breaks": join_soft_breaks,
    }
    environment.filters.update(filters)
    environment.globals["told_kinds"] = told_kinds
    environment.globals["explain_mean"] = explain_mean
    environment.globals["navigation"] = navigation
