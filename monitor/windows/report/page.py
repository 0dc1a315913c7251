"""HTML report of an assessment, and its parts for the web page.

The report is one file without scripts or external resources, with a light and a dark scheme. Its
size is bounded for any window: lists and excerpts have limits. The web page shows the same parts
in its own layout, which includes ``report.css``.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from monitor.rendering import wording
from monitor.rendering.change_tables import change_tables
from monitor.rendering.response_changes import LEVEL
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.map_points import MapText, PromptMap
from monitor.windows.report.change_drawing import ChangeMap, draw_changes
from monitor.windows.report.environment import render_macro, render_template
from monitor.windows.report.figures import change_axes
from monitor.windows.report.map_drawing import DrawnMap, MapTopic, draw

#: Style sheets, which the web page serves as files.
STYLES = Path(__file__).resolve().parent / "static"

#: Topics of a family with examples, and further ones in a table.
TOPICS_SHOWN = 6
TOPICS_LISTED = 20
#: Of each table of changes.
ROWS_SHOWN = 30
TASK_TYPES_SHOWN = 15
REMARKS_SHOWN = 12
REMARKS_UNFOLDED = 2
FINDINGS_SHOWN = 20
DESCRIPTORS_SHOWN = 15


def render_page(
    assessment: Assessment,
    *,
    window: tuple[datetime, datetime] | None = None,
    evidently: str = "",
    prompt_map: PromptMap | None = None,
) -> str:
    """Render the report as HTML; all texts of traffic are escaped.

    Without a prompt map it is omitted. ``window`` has the first instant and the first after, where
    the current side is a window; ``evidently`` is the relative link to its report, if there is one.
    """
    parts, styles = _render_parts(assessment, prompt_map, window=window, evidently=evidently)
    return str(
        render_template(
            "page.html.j2",
            title=wording.state_verdict(assessment),
            model=assessment.model,
            parts=parts,
            styles=styles,
        )
    )


def render_fragment(assessment: Assessment, *, prompt_map: PromptMap | None = None) -> str:
    """Render the report for the output of a notebook's cell.

    Its styles apply to nothing else on the page.
    """
    parts, styles = _render_parts(assessment, prompt_map)
    # Nested below the class of the fragment, which takes the place of the root.
    nested = [Markup(str(style).replace(":root", "&")) for style in styles]  # noqa: S704 - our own files
    return str(render_template("fragment.html.j2", parts=parts, styles=nested))


def _render_parts(
    assessment: Assessment,
    prompt_map: PromptMap | None,
    *,
    window: tuple[datetime, datetime] | None = None,
    evidently: str = "",
) -> tuple[list[Markup], list[Markup]]:
    """Return the parts of the report, and the styles that they need."""
    drawn = None if prompt_map is None else draw(prompt_map, assessment)
    changes = None if prompt_map is None else draw_changes(prompt_map, assessment)
    prompts = Markup()
    if drawn is not None and (changes is None or shows_prompts(assessment)):
        prompts = render_macro("map.html.j2", "map_section", drawn)
    names = ("palette.css", "report.css", *(("map.css",) if drawn else ()))
    parts = [
        render_verdict(assessment, window),
        render_template("gate.html.j2", assessment=assessment),
        render_responses(assessment, changes),
        prompts,
        render_findings(assessment, evidently=evidently),
    ]
    styles = [
        Markup((STYLES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own files
        for name in names
    ]
    return parts, styles


def render_verdict(assessment: Assessment, window: tuple[datetime, datetime] | None) -> Markup:
    """Render the verdict, the headline, the other findings and the remarks."""
    return render_template(
        "verdict.html.j2",
        assessment=assessment,
        window=window,
        limits={
            "remarks": REMARKS_SHOWN,
            "unfolded": REMARKS_UNFOLDED,
            "findings": FINDINGS_SHOWN,
        },
    )


def shows_prompts(assessment: Assessment) -> bool:
    """Return whether the map of the prompts shows something that drifted."""
    return assessment.input.verdict == "drift"


def render_responses(assessment: Assessment, changes: ChangeMap | None) -> Markup:
    """Render what changed between the responses; empty where they didn't, or nothing says how."""
    family = assessment.output
    if family.verdict != "drift" or not (family.descriptors or family.pairs or changes):
        return Markup()
    significant = [change for change in family.descriptors if change.adjusted_p_value <= LEVEL]
    ranked = sorted(significant, key=lambda change: (change.p_value, change.name))
    listed = ranked[:DESCRIPTORS_SHOWN]
    return render_template(
        "responses.html.j2",
        assessment=assessment,
        axes=change_axes(listed),
        n_more_descriptors=len(ranked) - len(listed),
        changes=changes,
    )


def render_findings(
    assessment: Assessment, *, evidently: str, topics_on_map: bool = False
) -> Markup:
    """Render all findings.

    With ``topics_on_map`` the page lists the topics next to its map: then they are omitted here.
    """
    return render_template(
        "findings.html.j2",
        assessment=assessment,
        tables=change_tables(assessment),
        mix=wording.mix_rows(assessment, TASK_TYPES_SHOWN),
        evidently=evidently,
        topics_on_map=topics_on_map,
        limits={"topics": TOPICS_SHOWN, "listed": TOPICS_LISTED, "rows": ROWS_SHOWN},
    )


def render_map(drawn: DrawnMap, selected: int | None) -> Markup:
    """Render a map whose labels are links, with the list of its topics.

    ``selected`` is the index of the topic whose examples are shown, if one is.
    """
    return render_macro("map.html.j2", "map_and_topics", drawn, selected)


def render_change_map(changes: ChangeMap, selected: int | None) -> Markup:
    """Render the map of changes as :func:`render_map` does that of the prompts."""
    return render_macro("map.html.j2", "map_and_topics", changes, selected, True)


def render_topic(placed: MapTopic, prompts: Sequence[str], *, growth_top: float) -> Markup:
    """Render the examples of a topic on the map, and further prompts on it.

    The axis of the growth of all topics on the map ends at ``growth_top``.
    """
    return render_template(
        "topic.html.j2",
        placed=placed,
        topic=placed.topic,
        prompts=prompts,
        growth_top=growth_top,
    )


def render_point(
    text: MapText | None, topic: str, neighbours: Sequence[MapText], *, is_withheld: bool = False
) -> Markup:
    """Render the exchange at a point of the map.

    It has no text where it was deleted, and an empty topic where it is on none. With
    ``is_withheld`` it exists, and the reader doesn't read its task type.
    """
    return render_template(
        "point.html.j2", text=text, topic=topic, neighbours=neighbours, is_withheld=is_withheld
    )
