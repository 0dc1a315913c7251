"""Pages of the drift evaluations: verdict, windows over time, prompt map and its texts."""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Literal
from urllib.parse import urlencode

from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Response, Template
from markupsafe import Markup
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.errors import WorkflowError
from monitor.rendering.late_exchanges import again_command, describe_changes, describe_late
from monitor.rendering.looks import describe_look
from monitor.review.sampling.chosen import WindowPart, queue_window
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    list_drift_evaluations,
)
from monitor.store.windows.looks import LookRow, newest_look
from monitor.store.windows.map_points import PromptMap
from monitor.store.windows.prompt_maps import prompt_map
from monitor.store.windows.repetitions import repetitions_of
from monitor.store.windows.reports import load_report, report_kinds
from monitor.web.access.audience import LEADS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.drift.follow_up_view import view_follow_up
from monitor.web.drift.window_chart import draw_windows
from monitor.web.handlers import form, get
from monitor.web.security import REPORT_POLICY
from monitor.web.typed_text import UNREAD
from monitor.web.withheld_texts import withhold_quoted, withhold_texts
from monitor.windows.history.timeline import window_timeline
from monitor.windows.prompt_map.map_examples import (
    TaskTypeFilter,
    exchange_at_point,
    topic_prompts,
)
from monitor.windows.report.change_drawing import draw_changes
from monitor.windows.report.map_drawing import DrawnMap, draw
from monitor.windows.report.page import (
    render_change_map,
    render_findings,
    render_map,
    render_page,
    render_point,
    render_responses,
    render_topic,
    render_verdict,
    shows_prompts,
)

_TEXTS = texts("drift_evaluation")
#: Metrics whose exchanges are linked.
METRICS_LINKED = 12


@get("/drift-evaluations", opt=REVIEWERS | _TEXTS)
def evaluations(visit: NamedDependency[Visit]) -> Template:
    """List the drift evaluations, newest first."""
    with visit.transaction() as connection:
        rows = [
            row if visit.reads_all_texts_of(row.model) else withhold_texts(row)
            for row in list_drift_evaluations(connection, visit.scope, 60)
        ]
        listed = [model for model in visit.settings.names.listed if model in visit.scope]
        newest = [newest_look(connection, model) for model in listed]
    # Of many models, those whose traffic has changed.
    looks = [
        (look, _readable(visit, look))
        for look in newest
        if look is not None and (look.alarm or len(listed) == 1)
    ]
    return visit.page("drift_evaluations.html", {"evaluations": rows, "looks": looks})


@get("/drift-evaluations/{evaluation_id:int}", opt=REVIEWERS | _TEXTS)
def evaluation(
    evaluation_id: FromPath[int], visit: NamedDependency[Visit], topic: FromQuery[int | None] = None
) -> Template:
    """Show a drift evaluation; with a topic, also the topic's examples."""
    with visit.transaction() as connection:
        row = _load(connection, visit, evaluation_id)
        settings = visit.settings.settings_of(row.model)
        overview = window_timeline(connection, row, settings)
        followed = view_follow_up(connection, row)
        late, repetitions = describe_late(connection, row), repetitions_of(connection, row.id)
        placed = prompt_map(connection, evaluation_id)
        evidently = "evidently" in report_kinds(connection, evaluation_id) and (
            visit.reads_all_texts_of(row.model)
        )
        examples = (
            Markup() if topic is None else _render_topic(connection, visit, row, placed, topic)
        )
    chart = draw_windows(
        overview.windows,
        overview.incidents,
        settings.drift.min_drifted_share,
        rates=overview.rates,
        here=evaluation_id,
    )
    context = {
        "row": row,
        "overview": overview,
        "chart": chart,
        "examples": examples,
        "followed": followed,
        "late": late,
        "again": again_command(row.model, (row.window_start, row.window_end)),
        "repetitions": repetitions,
        "changes": describe_changes(row),
        "exchanges": _exchanges_of(visit, row),
        "metrics": _metrics_of(row.assessment),
        "batch_size": settings.review.weekly_budget,
        **dict.fromkeys(("verdict", "responses", "map", "map_title", "findings")),
    }
    if row.assessment is not None:
        drawn = None if placed is None else draw(placed, row.assessment)
        changes = None if placed is None else draw_changes(placed, row.assessment)
        # The prompts' map says nothing about an output that alone has drifted.
        is_replaced = changes is not None and not shows_prompts(row.assessment)
        link = f"/drift-evaluations/{evaluation_id}/report?kind=evidently" if evidently else ""
        context |= {
            "verdict": render_verdict(row.assessment, (row.window_start, row.window_end)),
            "responses": render_responses(row.assessment, None if is_replaced else changes),
            "map": render_change_map(changes, topic)
            if changes is not None and is_replaced
            else None
            if drawn is None
            else render_map(drawn, topic),
            "map_title": _title_of_map(drawn, is_replaced=is_replaced),
            "findings": render_findings(
                row.assessment, evidently=link, topics_on_map=drawn is not None
            ),
        }
    return visit.page("drift_evaluation.html", context)


@form(
    "/drift-evaluations/{evaluation_id:int}/batch",
    opt=LEADS | {UNREAD: ("items", "choice", "topic", "task_type")},
)
def queue(
    evaluation_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, Any] | None] = None,
) -> Redirect:
    """Queue a review batch of a finished evaluation, or of a topic or a task type of it."""
    fields = data or {}
    topic, task_type = str(fields.get("topic") or ""), fields.get("task_type")
    part = WindowPart(None if task_type in {None, "*"} else str(task_type), _number(topic, "topic"))
    batch_id = None
    # Of two leads at once, the second finds the batch of the first.
    with suppress(IntegrityError), lead_visit.transaction() as connection:
        model = drift_evaluation_by_id(connection, evaluation_id).model
        batch_id, _ = queue_window(
            connection,
            evaluation_id,
            lead_visit.settings.settings_of(model),
            part,
            by=lead_visit.user.name,
            now=lead_visit.now,
            n_items=_number(str(fields.get("items") or ""), "number of items"),
            choice=str(fields.get("choice") or "configured"),
        )
    if part:
        return Redirect(f"/progress?batch={batch_id}", status_code=303)
    return Redirect(f"/drift-evaluations/{evaluation_id}", status_code=303)


def _number(text: str, name: str) -> int | None:
    """Return a number of a form; ``None``: none was chosen."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise WorkflowError(f"the {name} is no number: {text[:20]!r}", code="bad_size")
    return int(text[:9])


@get("/drift-evaluations/{evaluation_id:int}/topics/{topic:int}", opt=REVIEWERS | _TEXTS)
def topic_examples(
    evaluation_id: FromPath[int], topic: FromPath[int], visit: NamedDependency[Visit]
) -> Response[str]:
    """Return a topic's examples as a page fragment."""
    with visit.transaction() as connection:
        row = _load(connection, visit, evaluation_id)
        part = _render_topic(connection, visit, row, prompt_map(connection, evaluation_id), topic)
    return Response(str(part), media_type="text/html")


@get("/drift-evaluations/{evaluation_id:int}/points/{point:int}", opt=REVIEWERS | _TEXTS)
def point(
    evaluation_id: FromPath[int], point: FromPath[int], visit: NamedDependency[Visit]
) -> Response[str]:
    """Return the exchange at a point of the map as a page fragment."""
    with visit.transaction() as connection:
        row = _load(connection, visit, evaluation_id)
        placed = prompt_map(connection, evaluation_id)
        if placed is None or row.assessment is None:
            raise NotFoundException("this drift evaluation has no map")
        exchange = exchange_at_point(connection, row, placed, point, _reader_of(visit, row.model))
    families = (row.assessment.input, row.assessment.output)
    names = {row.index: row.name for family in families for row in family.topics}
    part = render_point(
        exchange.text,
        names.get(exchange.topic, ""),
        exchange.neighbours,
        is_withheld=exchange.is_withheld,
    )
    return Response(str(part), media_type="text/html")


@get("/drift-evaluations/{evaluation_id:int}/report", opt=REVIEWERS | _TEXTS)
def report(
    evaluation_id: FromPath[int],
    visit: NamedDependency[Visit],
    kind: FromQuery[Literal["page", "evidently"]] = "page",
) -> Response[str]:
    """Return a report as one sandboxed file: its texts are hostile."""
    with visit.transaction() as connection:
        row = _load(connection, visit, evaluation_id)
        evidently = (
            load_report(connection, evaluation_id, "evidently")
            if visit.reads_all_texts_of(row.model)  # it quotes texts of all task types
            else None
        )
        placed = prompt_map(connection, evaluation_id)
    if kind == "evidently":
        html = evidently
    elif row.assessment is not None:
        html = render_page(
            row.assessment,
            window=(row.window_start, row.window_end),
            evidently="" if evidently is None else "?kind=evidently",
            prompt_map=placed,
        )
    else:
        html = None
    if html is None:
        raise NotFoundException("this drift evaluation has no such report")
    return Response(
        html, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY}
    )


@get("/drift-evaluations/{evaluation_id:int}/assessment.json", opt=REVIEWERS | _TEXTS)
def assessment(evaluation_id: FromPath[int], visit: NamedDependency[Visit]) -> Assessment:
    """Return the assessment, in the form of docs/reference/assessment.schema.json."""
    with visit.transaction() as connection:
        row = _load(connection, visit, evaluation_id)
    if row.assessment is None:
        raise NotFoundException("this drift evaluation is not finished")
    return row.assessment


def _load(connection: Connection, visit: Visit, evaluation_id: int) -> DriftEvaluationRow:
    """Return a drift evaluation as the user may read it."""
    row = drift_evaluation_by_id(connection, evaluation_id)
    return row if visit.reads_all_texts_of(row.model) else withhold_texts(row)


def _readable(visit: Visit, look: LookRow) -> str:
    described = describe_look(look)
    return described if visit.reads_all_texts_of(look.model) else withhold_quoted(described)


def _title_of_map(drawn: DrawnMap | None, *, is_replaced: bool) -> str:
    if is_replaced:
        return "Where the responses changed"
    return "What changed" if drawn is not None and drawn.topics else "Map of the prompts"


def _reader_of(visit: Visit, model: str) -> TaskTypeFilter:
    return partial(visit.user.grants.reads_texts_of, model)


def _render_topic(
    connection: Connection,
    visit: Visit,
    row: DriftEvaluationRow,
    placed: PromptMap | None,
    index: int,
) -> Markup:
    if row.assessment is None or placed is None:
        raise NotFoundException("this drift evaluation has no map")
    drawn = draw(placed, row.assessment)
    topic = next((topic for topic in drawn.topics if topic.topic.index == index), None)
    if topic is None:
        raise NotFoundException(f"this drift evaluation has no topic {index}")
    examples = render_topic(
        topic,
        topic_prompts(connection, row, placed, topic.topic, _reader_of(visit, row.model)),
        growth_top=drawn.growth_top,
    )
    address = _exchanges_of(visit, row, topic=index)
    if not address:
        return examples
    return examples + Markup('<p><a href="{}">Search the exchanges on this topic</a></p>').format(
        address
    )


def _exchanges_of(visit: Visit, row: DriftEvaluationRow, topic: int | None = None) -> str:
    """Return where a lead searches the exchanges of a window, or of a topic of it; else empty."""
    if not visit.user.is_lead_of(row.model):
        return ""
    query = {"model": row.model}
    if topic is None:
        last_day = row.window_end - timedelta(microseconds=1)
        query |= {"since": f"{row.window_start:%Y-%m-%d}", "until": f"{last_day:%Y-%m-%d}"}
    else:
        query |= {"evaluation": str(row.id), "topic": str(topic)}
    return f"/exchanges?{urlencode(query)}"


def _metrics_of(assessment: Assessment | None) -> list[str]:
    """Return the metrics of the traffic that were compared, those that differ most first."""
    if assessment is None:
        return []
    columns = [row for row in assessment.numeric_columns if row.side == "metric"]
    ranked = sorted(columns, key=lambda row: (row.adjusted_p_value, row.name))
    return [row.name for row in ranked[:METRICS_LINKED]]


HANDLERS = (evaluations, evaluation, queue, topic_examples, point, report, assessment)
