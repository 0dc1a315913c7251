"""The page of an assessment: one file, no script, nothing fetched, light and dark.

Its size has a limit whatever the window holds: what is listed, and how much of each text, is
counted. The review page shows the same parts in its own frame, which brings ``report.css``.
"""

from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from monitor.rendering import wording
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.prompt_maps import PromptMap
from monitor.windows.report.environment import render_macro, render_template
from monitor.windows.report.figures import reach_of
from monitor.windows.report.map_drawing import draw

#: Style sheets, which the review page serves as files.
STYLES = Path(__file__).resolve().parent / "static"

#: Topics of a family told with examples, and those that a table adds.
TOPICS_TOLD = 6
TOPICS_LISTED = 20
NUMERIC_COLUMNS_SHOWN = 30
TASK_TYPES_SHOWN = 15
REMARKS_SHOWN = 12


def render_page(
    assessment: Assessment,
    *,
    window: tuple[datetime, datetime] | None = None,
    evidently: str = "",
    prompt_map: PromptMap | None = None,
) -> str:
    """Return the page as HTML; whatever comes from traffic is escaped.

    Args:
        assessment: What is shown.
        window: First instant and first instant after, where the current side is a window.
        evidently: Where Evidently's report is, as a link from this page; empty where there is none.
        prompt_map: Where prompts lie; ``None`` leaves the map out.
    """
    drawn = None if prompt_map is None else draw(prompt_map, assessment)
    where = Markup() if drawn is None else render_macro("map.html.j2", "map_section", drawn)
    sheets = ("palette.css", "report.css", *(("map.css",) if drawn else ()))
    return str(
        render_template(
            "page.html.j2",
            title=wording.VERDICTS[assessment.verdict],
            model=assessment.model,
            parts=[
                render_verdict(assessment, window),
                where,
                render_findings(assessment, evidently=evidently),
            ],
            styles=[
                Markup((STYLES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own files
                for name in sheets
            ],
        )
    )


def render_verdict(assessment: Assessment, window: tuple[datetime, datetime] | None) -> Markup:
    """Return the verdict in a sentence, remarks, and who is hit."""
    return render_template(
        "verdict.html.j2",
        assessment=assessment,
        window=window,
        numeric_columns=wording.by_effect(assessment.numeric_columns)[:NUMERIC_COLUMNS_SHOWN],
        limits={"remarks": REMARKS_SHOWN},
    )


def render_findings(
    assessment: Assessment, *, evidently: str, topics_on_map: bool = False
) -> Markup:
    """Return everything that was found.

    Args:
        assessment: What is shown.
        evidently: As for :func:`render_page`.
        topics_on_map: The page tells the topics beside its map: they are left out here.
    """
    numeric_columns = wording.by_effect(assessment.numeric_columns)[:NUMERIC_COLUMNS_SHOWN]
    return render_template(
        "findings.html.j2",
        assessment=assessment,
        numeric_columns=numeric_columns,
        reach=reach_of(numeric_columns),
        n_more_characteristics=len(assessment.numeric_columns) - len(numeric_columns),
        mix=wording.mix_by_change(assessment),
        evidently=evidently,
        topics_on_map=topics_on_map,
        limits={"told": TOPICS_TOLD, "listed": TOPICS_LISTED, "task_types": TASK_TYPES_SHOWN},
    )
