"""Pages of stored exchanges, for leads: the search, and an exchange with what became of it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.rendering.excerpts import excerpt
from monitor.review.items.giving import DEFAULT_DAYS, give_items
from monitor.review.sampling.chosen import MAX_CHOSEN, queue_chosen
from monitor.settings import Settings
from monitor.store.accounts.users import list_users
from monitor.store.review.items import items_of_batches
from monitor.store.search.index import unindexed_since
from monitor.store.search.query import Criteria, Found, find_exchanges
from monitor.store.search.results import (
    evaluations_at,
    exchange_rows,
    newest_facts,
    reviewed_items,
    runs_of_batches,
)
from monitor.store.traffic.exchanges import exchange_by_id
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.map_points import DELETED
from monitor.store.windows.prompt_maps import prompt_map
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.exchanges.search_form import (
    VERDICT_CHOICES,
    VERDICTS,
    SearchForm,
    parse_position,
)
from monitor.web.forms.search_text import excerpt_around
from monitor.web.handlers import form as form_of
from monitor.web.handlers import get
from monitor.web.typed_text import UNREAD
from monitor.windows.versions.split import version_finder

#: Exchanges on a page, and the newest ones that name the choices of the form.
N_LISTED, N_SAMPLED = 50, 100
NOTHING = Found([], None)


@get("/exchanges", opt=LEADS | texts("exchange"))
def exchanges(
    request: Request[Any, Any, Any], lead_visit: NamedDependency[Visit]
) -> Template | Redirect:
    """Search stored exchanges by text and facts, the newest first.

    The address holds the search, so that it can be sent. What is wrong with it is said, and the
    form keeps what was typed.
    """
    model = lead_visit.model or next((choice.name for choice in lead_visit.choices), None)
    if model is None:
        raise NotFoundException("no model is known")
    if lead_visit.model is None and len(lead_visit.choices) > 1:
        return Redirect(SearchForm.of(request.query_params).address(model), status_code=303)
    return _render(request, lead_visit, model)


@form_of(
    "/exchanges/batch",
    opt=LEADS | texts("exchange") | {UNREAD: ("row", "take", "items", "reviewer")},
)
def queue(
    request: Request[Any, Any, Any],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, Any] | None] = None,
) -> Template | Redirect:
    """Queue exchanges of the search in the address: those that are ticked, or the newest found.

    Reviewers may be named, who get them. A refusal stands above the search, with the ticks.
    """
    fields = data or {}
    model = lead_visit.model or (
        lead_visit.choices[0].name if len(lead_visit.choices) == 1 else None
    )
    if model is None:
        raise NotFoundException("no model is named")
    ticked = _values(fields, "row")
    try:
        with lead_visit.transaction() as connection:
            if fields.get("take") == "found":
                ids = _found(connection, request, model, fields)
            else:
                ids = [int(text) for text in ticked if text.isascii() and text.isdigit()]
            batch_id = _queue(connection, lead_visit, model, ids, _values(fields, "reviewer"))
    except WorkflowError as error:
        return _render(request, lead_visit, model, problem=str(error), typed=fields)
    return Redirect(f"/progress?batch={batch_id}", status_code=303)


def _queue(
    connection: Connection, visit: Visit, model: str, ids: list[int], names: Collection[str]
) -> int:
    """Queue exchanges, and give them to reviewers where some are named; return the batch's id."""
    settings, by, now = visit.settings.settings_of(model), visit.user.name, visit.now
    batch = queue_chosen(connection, settings, ids, by=by, now=now)
    if names:
        reviewers = [user for user in list_users(connection) if user.name in names]
        items = items_of_batches(connection, [batch.id])
        until = now + timedelta(days=DEFAULT_DAYS)
        give_items(connection, items, reviewers, until=until, by=by, now=now)
    return batch.id


def _found(
    connection: Connection,
    request: Request[Any, Any, Any],
    model: str,
    fields: Mapping[str, Any],
) -> list[int]:
    """Return the newest exchanges of the search in the address, as many as the form says."""
    text = str(fields.get("items") or "")
    n = int(text[:9]) if text.isascii() and text.isdigit() else 0
    if not 1 <= n <= MAX_CHOSEN:
        raise WorkflowError(
            f"the number of exchanges is none: {text[:20]!r}; choose 1 to {MAX_CHOSEN:,}",
            code="bad_size",
        )
    form = SearchForm.of(request.query_params)
    criteria, _ = _criteria(connection, form, model)
    if form.problems:
        raise WorkflowError("the search is none; mend it, and search again", code="bad_search")
    return find_exchanges(connection, criteria, before=None, limit=n).ids


def _values(fields: Mapping[str, Any], name: str) -> list[str]:
    chosen = fields.get(name) or []
    return [str(value) for value in (chosen if isinstance(chosen, list) else [chosen])]


def _criteria(connection: Connection, form: SearchForm, model: str) -> tuple[Criteria, str]:
    """Return what is searched for, and the name of its topic, empty without one."""
    criteria = form.criteria(model)
    if form.values["evaluation"] or form.values["topic"]:
        return _within_topic(connection, form, criteria)
    return criteria, ""


def _render(
    request: Request[Any, Any, Any],
    lead_visit: Visit,
    model: str,
    *,
    problem: str = "",
    typed: Mapping[str, Any] | None = None,
) -> Template:
    """Render the search of the address; with a problem, also what was typed to queue rows."""
    form = SearchForm.of(request.query_params)
    is_one_of_many = len(lead_visit.choices) > 1
    settings = lead_visit.settings.settings_of(model)
    with lead_visit.transaction() as connection:
        criteria, topic = _criteria(connection, form, model)
        page = NOTHING
        if not form.problems:
            before = parse_position(request.query_params.get("before", ""))
            page = find_exchanges(connection, criteria, before=before, limit=N_LISTED)
        rows = exchange_rows(connection, page.ids)
        items = {item.exchange_id: item for item in reviewed_items(connection, page.ids)}
        context: dict[str, Any] = {
            "choices_of": _choices(connection, settings),
            "unindexed_since": unindexed_since(connection),
            "reviewers": [
                user.name
                for user in list_users(connection)
                if user.active and user.grants.on(model) is not None
            ],
        }
    named = model if is_one_of_many else ""
    fields = typed or {}
    context |= {
        "form": form,
        "topic": topic,
        "rows": [
            (row, *(excerpt_around(text, form.values["q"]) for text in (row.prompt, row.response)))
            for row in rows
        ],
        "items": items,
        "metric": form.values["metric"],
        "older": form.address(named, page.position) if page.position else "",
        "is_first": "before" not in request.query_params,
        "problem": problem,
        "queue_address": f"/exchanges/batch?{request.url.query}",
        "ticked": set(_values(fields, "row")),
        "named": set(_values(fields, "reviewer")),
        "n_items": fields.get("items") or min(settings.review.weekly_budget, MAX_CHOSEN),
        "most_items": MAX_CHOSEN,
        "all_exchanges": SearchForm.of({}).address(named),
        "verdicts": VERDICTS,
        "verdict_choices": VERDICT_CHOICES,
    }
    status = 409 if problem else 400 if form.problems else 200
    return lead_visit.page("exchanges.html", context, status=status, model=model)


@get("/exchanges/{exchange_id:int}", opt=LEADS | texts("exchange"))
def exchange(exchange_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show an exchange, with its review items, training runs and window."""
    with lead_visit.transaction() as connection:
        row = exchange_by_id(connection, exchange_id)
        items = reviewed_items(connection, [exchange_id])
        gold = [item.batch_id for item in items if item.verdict]
        field = lead_visit.settings.settings_of(row.model).model.version_field
        version_of = version_finder(serving_periods(connection, row.model), field=field)
        context = {
            "exchange": row,
            "version": version_of(row.attributes, row.occurred_at),
            "items": items,
            "runs": runs_of_batches(connection, row.model, gold),
            "evaluations": evaluations_at(connection, row.model, row.occurred_at)
            if row.baseline_id is None
            else [],
            "verdicts": VERDICTS,
        }
    return lead_visit.page("exchange.html", context)


def _within_topic(
    connection: Connection, form: SearchForm, criteria: Criteria
) -> tuple[Criteria, str]:
    """Return the criteria with the exchanges of a topic on the map of a window, and its name."""
    evaluation_id, index = form.number("evaluation"), form.number("topic")
    if form.problems:
        return criteria, ""
    try:
        row = drift_evaluation_by_id(connection, evaluation_id)
    except NotFoundError:
        row = None
    placed = None if row is None else prompt_map(connection, evaluation_id)
    if row is None or row.model != criteria.model or row.assessment is None or placed is None:
        form.problems.append(
            f"evaluation: {evaluation_id}; it has no map of {criteria.model}, follow the link of a "
            "topic again"
        )
        return criteria, ""
    ids = placed.current_ids[placed.topic == index]
    families = (row.assessment.input, row.assessment.output)
    names = {topic.index: topic.name for family in families for topic in family.topics}
    # SQLite gives ids of deleted exchanges again, to exchanges outside of the window.
    since, until = criteria.since, criteria.until
    bounded = replace(
        criteria,
        ids=ids[ids != DELETED].tolist(),
        since=max(since, row.window_start) if since else row.window_start,
        until=min(until, row.window_end) if until else row.window_end,
    )
    return bounded, names.get(index, f"topic {index}")


def _choices(connection: Connection, settings: Settings) -> dict[str, list[str]]:
    """Return what the form proposes: names in the newest exchanges of the model."""
    model = settings.model.name
    field = settings.model.version_field
    version_of = version_finder(serving_periods(connection, model), field=field)
    rows = newest_facts(connection, model, N_SAMPLED)
    proposed = {
        "task_type": {task_type for task_type, _, _ in rows},
        "version": {version_of(attributes, at) for _, attributes, at in rows},
        "metric": {
            name
            for _, attributes, _ in rows
            for name, value in attributes.items()
            if isinstance(value, int | float) and name != field
        },
    }
    return {name: sorted(map(excerpt, values - {""})) for name, values in proposed.items()}


HANDLERS = (exchanges, exchange, queue)
