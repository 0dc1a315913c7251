"""Jinja environment of the report templates: autoescape, strict, with bounded excerpts."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monitor.plurals import pluralize
from monitor.rendering import change_tables, events, numbers, response_changes, wording
from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.statistics.p_value_text import format_level, format_p_value, state_p_value
from monitor.windows.gate import wording as gate
from monitor.windows.report.figures import growth, growth_axis, share_axis

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
        "excerpt": shorten,
        "instant": numbers.format_instant,
        "mean": numbers.format_mean,
        "p_value": format_p_value,
        "p_level": format_level,
        "p_stated": state_p_value,
        "share": numbers.format_share,
        "version_name": excerpt_of_version,
    }
    environment.globals |= {
        "NOUNS": wording.NOUNS,
        "DESCRIPTOR_LEVEL": response_changes.LEVEL,
        "UNITS": response_changes.UNITS,
        "VERDICTS": wording.VERDICTS,
        "state_verdict": wording.state_verdict,
        "day": numbers.format_day,
        "format_window": numbers.format_window,
        "growth": growth,
        "growth_axis": growth_axis,
        "share_axis": share_axis,
        "count_exchanges": wording.count_exchanges,
        "describe_choice": wording.describe_choice,
        "describe_rule": gate.describe_rule,
        "describe_segment": gate.describe_segment,
        "describe_segment_mix": gate.describe_segment_mix,
        "segment_name": gate.segment_name,
        "describe_comparable_sizes": wording.describe_comparable_sizes,
        "describe_detectable": wording.describe_detectable,
        "describe_mix_change": wording.describe_mix_change,
        "describe_enrichment": wording.describe_enrichment,
        "describe_growth": wording.describe_growth,
        "describe_pair": response_changes.describe_pair,
        "format_descriptor_change": response_changes.format_descriptor_change,
        "format_reach": response_changes.format_reach,
        "describe_extent": response_changes.describe_extent,
        "describe_rest": response_changes.describe_rest,
        "explanation_rows": change_tables.explanation_rows,
        "describe_first_seen": wording.describe_first_seen,
        "describe_slow_drift": wording.describe_slow_drift,
        "describe_event_test": events.describe_event_test,
        "describe_state": wording.describe_state,
        "describe_untested": wording.describe_untested,
        "describe_absence": wording.describe_absence,
        "count_affected": wording.count_affected,
        "further_findings": wording.further_findings,
        "MEANS": change_tables.MEANS,
    }
    return environment
