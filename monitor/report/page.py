"""The page of an assessment: one file, no script, nothing fetched, light and dark.

Its size has a limit whatever the window holds: what is listed, and how much of each text, is
counted. The review page shows the same body in its own frame.
"""

from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monitor.report import wording
from monitor.report.excerpts import excerpt
from monitor.report.figures import growth, reach_of, whisker
from monitor.store.assessment import Assessment

#: Style sheets, which the review page serves as files.
STYLES = Path(__file__).resolve().parent / "static"

#: Topics of a family told with examples, and those that a table adds.
TOPICS_TOLD = 6
TOPICS_LISTED = 20
CHARACTERISTICS_SHOWN = 30
TASK_TYPES_SHOWN = 15
REMARKS_SHOWN = 12

#: Of a quoted text, on average: more is cut.
BYTES_PER_CHARACTER = 2


def render_page(
    assessment: Assessment,
    *,
    window: tuple[datetime, datetime] | None = None,
    evidently: str = "",
) -> str:
    """Return the page as HTML; whatever comes from traffic is escaped.

    Args:
        assessment: What is shown.
        window: First instant and first instant after, where the current side is a window.
        evidently: Where Evidently's report is, as a link from this page; empty where there is none.
    """
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=wording.VERDICTS[assessment.verdict],
            model=assessment.model,
            body=render_body(assessment, window=window, evidently=evidently),
            styles=[
                Markup((STYLES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own files
                for name in ("palette.css", "report.css")
            ],
        )
    )


def render_body(
    assessment: Assessment,
    *,
    window: tuple[datetime, datetime] | None = None,
    evidently: str = "",
) -> Markup:
    """Return what the page says, without its frame: for a page that brings ``report.css``."""
    characteristics = wording.by_effect(assessment.characteristics)[:CHARACTERISTICS_SHOWN]
    body = (
        _environment()
        .get_template("body.html.j2")
        .render(
            assessment=assessment,
            characteristics=characteristics,
            reach=reach_of(characteristics),
            n_more_characteristics=len(assessment.characteristics) - len(characteristics),
            mix=wording.mix_by_change(assessment),
            window=window,
            evidently=evidently,
            limits={
                "told": TOPICS_TOLD,
                "listed": TOPICS_LISTED,
                "task_types": TASK_TYPES_SHOWN,
                "remarks": REMARKS_SHOWN,
            },
        )
    )
    return Markup(body)  # noqa: S704 - the template escapes


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
        loader=PackageLoader("monitor.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "change": wording.format_change,
        "effect": wording.format_effect,
        "excerpt": shorten,
        "instant": wording.format_instant,
        "mean": wording.format_mean,
        "p_value": wording.format_p_value,
        "share": wording.format_share,
    }
    environment.globals |= {
        "VERDICTS": wording.VERDICTS,
        "day": wording.format_day,
        "days_of": wording.format_window,
        "growth": growth,
        "mix_change": wording.format_mix_change,
        "say_enrichment": wording.say_enrichment,
        "say_growth": wording.say_growth,
        "say_input": wording.say_input,
        "say_mass": wording.say_mass,
        "say_output": wording.say_output,
        "say_seen": wording.say_seen,
        "say_slow": wording.say_slow,
        "say_slow_share": wording.say_slow_share,
        "whisker": whisker,
    }
    return environment
