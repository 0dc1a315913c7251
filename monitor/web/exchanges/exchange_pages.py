"""Pages of stored exchanges, for leads: the search, and an exchange with what became of it."""

from dataclasses import replace
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.rendering.excerpts import excerpt
from monitor.settings import Settings
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
from monitor.store.training.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.prompt_maps import DELETED, prompt_map
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.exchanges.search_form import (
    VERDICT_CHOICES,
    VERDICTS,
    SearchForm,
    parse_position,
)
from monitor.web.forms.search_text import excerpt_around
from monitor.web.handlers import get
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
    form = SearchForm.of(request.query_params)
    model = lead_visit.model or next((choice.name for choice in lead_visit.choices), None)
    if model is None:
        raise NotFoundException("no model is known")
    is_one_of_many = len(lead_visit.choices) > 1
    if lead_visit.model is None and is_one_of_many:
        return Redirect(form.address(model), status_code=303)
    settings = lead_visit.settings.settings_of(model)
    with lead_visit.transaction() as connection:
        criteria = form.criteria(model)
        topic = ""
        if form.values["evaluation"] or form.values["topic"]:
            criteria, topic = _within_topic(connection, form, criteria)
        page = NOTHING
        if not form.problems:
            before = parse_position(request.query_params.get("before", ""))
            page = find_exchanges(connection, criteria, before=before, limit=N_LISTED)
        rows = exchange_rows(connection, page.ids)
        items = {item.exchange_id: item for item in reviewed_items(connection, page.ids)}
        context: dict[str, Any] = {
            "choices_of": _choices(connection, settings),
            "unindexed_since": unindexed_since(connection),
        }
    named = model if is_one_of_many else ""
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
        "all_exchanges": SearchForm.of({}).address(named),
        "verdicts": VERDICTS,
        "verdict_choices": VERDICT_CHOICES,
    }
    status = 400 if form.problems else 200
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


HANDLERS = (exchanges, exchange)
