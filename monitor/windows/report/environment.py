"""How templates of reports are rendered: everything is escaped, every text has a limit."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monitor.plurals import pluralize
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
        "pluralize": pluralize,
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
        "is_informative": wording.is_informative,
        "mix_change": wording.format_mix_change,
        "describe_enrichment": wording.describe_enrichment,
        "describe_growth": wording.describe_growth,
        "describe_input": wording.describe_input,
        "describe_drifted_share": wording.describe_drifted_share,
        "describe_output": wording.describe_output,
        "describe_first_seen": wording.describe_first_seen,
        "describe_slow_drift": wording.describe_slow_drift,
        "describe_slow_share": wording.describe_slow_share,
        "describe_untested": wording.describe_untested,
        "whisker": whisker,
    }
    return environment
