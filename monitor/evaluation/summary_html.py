"""A short page of an assessment: one file, no script, nothing fetched, light and dark."""

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from monitor.evaluation.terminal import (
    format_change,
    format_mean,
    format_mix_change,
    format_p_value,
    mix_by_change,
)
from monitor.store.assessment import Assessment


def render_summary(
    assessment: Assessment,
    *,
    window: tuple[datetime, datetime] | None = None,
    reference_name: str = "baseline",
    current_name: str = "window",
) -> str:
    """Return the page as HTML; whatever comes from traffic is escaped.

    Args:
        assessment: What is shown.
        window: First instant and first instant after, where the current side is a window.
        reference_name: What the reader calls the reference: a file, for instance.
        current_name: What the reader calls the current side.
    """
    ordered = sorted(
        assessment.characteristics, key=lambda one: (not one.degraded, -abs(one.effect_size))
    )
    return _template().render(
        assessment=assessment,
        families=(assessment.input, assessment.output),
        characteristics=ordered,
        mix=mix_by_change(assessment),
        mix_change=format_mix_change(assessment),
        window=window,
        reference_name=reference_name,
        current_name=current_name,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("monitor.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["p_value"] = format_p_value
    environment.filters["change"] = format_change
    environment.filters["mean"] = format_mean
    return environment.get_template("summary.html.j2")
