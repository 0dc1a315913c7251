"""Jinja environment of the report templates: autoescape, strict, with bounded excerpts."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monitor.plurals import pluralize
from monitor.rendering import events, numbers, response_changes, wording
from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.statistics.p_value_text import format_level, format_p_value, state_p_value
from monitor.windows.report.figures import growth, growth_axis, share_axis, whisker

#: Limit of an excerpt in bytes, per character of its limit in characters.
BYTES_PER_CHARACTER = 2


def render_template(name: str, **values: object) -> Markup:
    """Render a template."""
    return Markup(_environment().get_template(name).render(**values))  # noqa: S704 - it escapes


def render_macro(name: str, macro: str, *values: object) -> Markup:
    """Render a macro of a template."""
    module = _environment().get_template(name).module
    return Markup(getattr(module, macro)(*values))  # noqa: S704 - it escapes


def shorten(text: str, limit: int) -> str:
    """Return the beginning of a text on one line, within a limit of characters and of bytes.

    Bytes are those of the escaped HTML in UTF-8.
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
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "pluralize": pluralize,
        "effect": numbers.format_effect,
        "excerpt": shorten,
        "instant": numbers.format_instant,
        "mean": numbers.format_mean,
        "p_value": format_p_value,
        "p_level": format_level,
        "p_stated": state_p_value,
        "share": numbers.format_share,
        "estimate": numbers.format_estimate,
        "version_name": excerpt_of_version,
    }
    environment.globals |= {
        "NOUNS": wording.NOUNS,
        "DESCRIPTOR_LEVEL": response_changes.LEVEL,
        "UNITS": response_changes.UNITS,
        "VERDICTS": wording.VERDICTS,
        "day": numbers.format_day,
        "format_window": numbers.format_window,
        "growth": growth,
        "growth_axis": growth_axis,
        "share_axis": share_axis,
        "count_exchanges": wording.count_exchanges,
        "describe_choice": wording.describe_choice,
        "describe_comparable_sizes": wording.describe_comparable_sizes,
        "describe_detectable": wording.describe_detectable,
        "describe_mix_change": wording.describe_mix_change,
        "describe_enrichment": wording.describe_enrichment,
        "describe_growth": wording.describe_growth,
        "describe_input": wording.describe_input,
        "describe_descriptor": response_changes.describe_descriptor,
        "describe_pair": response_changes.describe_pair,
        "format_descriptor_change": response_changes.format_descriptor_change,
        "format_column_change": response_changes.format_column_change,
        "format_reach": response_changes.format_reach,
        "describe_extent": response_changes.describe_extent,
        "significant_descriptors": response_changes.significant_descriptors,
        "describe_drifted_share": wording.describe_drifted_share,
        "describe_output": wording.describe_output,
        "describe_first_seen": wording.describe_first_seen,
        "describe_slow_drift": wording.describe_slow_drift,
        "describe_event": events.describe_event,
        "describe_event_test": events.describe_event_test,
        "describe_slow_share": wording.describe_slow_share,
        "describe_untested": wording.describe_untested,
        "whisker": whisker,
    }
    return environment
