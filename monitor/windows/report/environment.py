"""How templates of reports are rendered: everything is escaped, every text has a limit."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monitor.plurals import counted
from monitor.rendering import wording
from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.windows.report.figures import growth, whisker

#: Of a quoted text, on average: more is cut.
BYTES_PER_CHARACTER = 2


def render_template(name: str, **values: object) -> Markup:
    """Return a rendered template."""
    return Markup(_environment().get_template(name).render(**values))  # noqa: S704 - it escapes


def render_macro(name: str, macro: str, *values: object) -> Markup:
    """Return what a macro of a template writes."""
    module = _environment().get_template(name).module
    return Markup(getattr(module, macro)(*values))  # noqa: S704 - it escapes


def shorten(text: str, limit: int) -> str:
    """Return the beginning of a text on one line, within a number of characters and of bytes.

    What HTML writes as ``&#34;`` and what UTF-8 needs four bytes for count as what they are.
    """
    line = excerpt(text, limit)
    left = BYTES_PER_CHARACTER * limit
    if len(escape(line).encode()) <= left:
        return line
    for index, character in enumerate(line):
        left -= len(escape(character).encode())
        if left < 0:
            return line[:index].rstrip() + "…"
    return line


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("monitor.windows.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": counted,
        "change": wording.format_change,
        "effect": wording.format_effect,
        "excerpt": shorten,
        "instant": wording.format_instant,
        "mean": wording.format_mean,
        "p_value": wording.format_p_value,
        "share": wording.format_share,
        "version": excerpt_of_version,
    }
    environment.globals |= {
        "VERDICTS": wording.VERDICTS,
        "day": wording.format_day,
        "days_of": wording.format_window,
        "growth": growth,
        "is_told": wording.is_told,
        "mix_change": wording.format_mix_change,
        "say_enrichment": wording.say_enrichment,
        "say_growth": wording.say_growth,
        "say_input": wording.say_input,
        "say_mass": wording.say_mass,
        "say_output": wording.say_output,
        "say_seen": wording.say_seen,
        "say_slow": wording.say_slow,
        "say_slow_share": wording.say_slow_share,
        "say_untested": wording.say_untested,
        "whisker": whisker,
    }
    return environment
