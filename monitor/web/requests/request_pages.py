"""Pages of end users' open requests, for leads: when they are due, and the sentences to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import InputError, NotFoundError
from monitor.privacy.requests import requests as steps
from monitor.privacy.requests.checklist import checklist
from monitor.privacy.requests.listing import ListedSentence
from monitor.privacy.requests.permissions import may_decide
from monitor.privacy.requests.requests import DECISIONS, Sentence
from monitor.rendering.numbers import format_instant
from monitor.store.model_sets import EVERY_MODEL
from monitor.store.privacy.deletion import purge_deleted_rows
from monitor.store.privacy.model_of_row import model_of_row
from monitor.store.privacy.requests import RequestRow, request_by_id, waiting_requests
from monitor.store.tables.facts import facts_of, table_names
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.forms.fields import text_of
from monitor.web.forms.reason import require_reason
from monitor.web.handlers import form, get

_TEXTS = texts("request")
#: Tables that leads, or the page under its role in PostgreSQL, don't read.
_UNREAD = frozenset(
    name
    for name in table_names()
    if "lead" not in facts_of(name).readers or "r" not in facts_of(name).access.web
)
#: Of the paragraph, on each side of a sentence.
MAX_CHARACTERS = 2000


@dataclass(frozen=True)
class Problem:
    """Why a decision was refused, with the reason that was typed."""

    text: str
    number: int
    reason: str


@dataclass(frozen=True)
class PageSentence(ListedSentence):
    """A sentence in the places that a lead sees."""

    #: By place; empty: of no model.
    models: Mapping[int, str] = field(default_factory=dict)

    @property
    def texts(self) -> list[Sentence]:
        """The places that have its words, one for each paragraph, of which the ends are cut off."""
        words = self.first.words
        alike = (_cut(place) for place in self.places if words and place.words == words)
        return list({(place.before, place.after): place for place in alike}.values())

    def name(self, place: Sentence) -> str:
        """Return the name of a place, with its model."""
        model = self.models[place.row.id]
        return super().name(place) + (f", {model}" if model else "")


@get("/requests", opt=LEADS)
def requests(lead_visit: NamedDependency[Visit]) -> Template:
    """List the requests that are not closed; they are of no model."""
    with lead_visit.transaction() as connection:
        rows = [
            (row, steps.count_waiting(_sentences(connection, row.id)))
            for row in waiting_requests(connection)
        ]
    return lead_visit.page("requests.html", {"rows": rows, "now": lead_visit.now})


@get("/requests/{request_id:int}", opt=LEADS | _TEXTS)
def request_page(request_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show the checklist of a request, and the sentences of the lead's models."""
    return _render(lead_visit, request_id)


@form("/requests/{request_id:int}/sentences/{number:int}", opt=LEADS | _TEXTS)
def decide(
    request_id: FromPath[int],
    number: FromPath[int],
    request: Request[Any, Any, Any],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, Any]],
) -> Template | Redirect:
    """Decide on a sentence in the name of the signed-in lead, as `driftwarden requests decide`."""
    reason = require_reason(request, data)
    with lead_visit.transaction() as connection:
        row = _request(connection, request_id)
        rows = _of_lead(lead_visit, connection, _sentences(connection, request_id))
    places = {place.row.id for place, _ in rows if place.row.number == number}
    if not places:
        raise NotFoundError(f"request {request_id} has no sentence {number} of your models")
    chosen = text_of(data, "decision")
    decision = next((name for name in DECISIONS.get(row.kind, ()) if name == chosen), None)
    if decision is None:
        choices = " or ".join(DECISIONS.get(row.kind, ()))
        problem = Problem(f"Choose {choices}.", number, reason)
        return _render(lead_visit, request_id, status=400, problem=problem)
    try:
        steps.decide(
            lead_visit.engine,
            request_id,
            [number],
            decision,
            reason=reason,
            by=lead_visit.user.name,
            now=lead_visit.now,
            places=places,
        )
    except InputError as error:
        problem = Problem(_say(lead_visit, request_id, number, error), number, reason)
        return _render(lead_visit, request_id, status=409, problem=problem)
    if decision == "erase" and lead_visit.engine.dialect.name == "sqlite":
        purge_deleted_rows(lead_visit.engine, ())  # PostgreSQL's VACUUM is for the tables' owner
    return Redirect(f"/requests/{request_id}", status_code=303)


def _render(
    visit: Visit, request_id: int, *, status: int = 200, problem: Problem | None = None
) -> Template:
    with visit.transaction() as connection:
        row = _request(connection, request_id)
        sentences = _sentences(connection, request_id)
        rows = _of_lead(visit, connection, sentences)
    models = {place.row.id: model for place, model in rows}
    listed = [
        replace(sentence, models=models)
        for sentence in PageSentence.from_places(place for place, _ in rows)
    ]
    waiting = [sentence for sentence in listed if sentence.is_waiting and not row.closed_at]
    hidden = {s.row.number for s in sentences if s.row.id not in models}
    erased = {s.row.table_name for s in sentences if s.row.decision == "erase"}
    context = {
        "row": row,
        "now": visit.now,
        "steps": list(checklist(row, sentences)),
        "waiting": waiting,
        "decided": [sentence for sentence in listed if sentence not in waiting],
        "leads_all": visit.scope == EVERY_MODEL,
        "n_hidden": len(hidden),
        "choices": DECISIONS.get(row.kind, ()),
        "problem": problem,
        "to_vacuum": sorted(erased) if visit.engine.dialect.name == "postgresql" else [],
    }
    return visit.page("request.html", context, status=status)


def _request(connection: Connection, request_id: int) -> RequestRow:
    row = request_by_id(connection, request_id)
    if row is None:
        raise NotFoundError(f"there is no request {request_id}")
    return row


def _sentences(connection: Connection, request_id: int) -> list[Sentence]:
    return steps.read_sentences(connection, request_id, unread=_UNREAD)


def _of_lead(
    visit: Visit, connection: Connection, sentences: Sequence[Sentence]
) -> list[tuple[Sentence, str]]:
    """Return the sentences of models that the lead leads; of no model: leads of all models."""
    placed = [
        (sentence, model_of_row(connection, sentence.row.table_name, sentence.row.key))
        for sentence in sentences
        if sentence.row.table_name not in _UNREAD
    ]
    return [(sentence, model) for sentence, model in placed if may_decide(visit.scope, model)]


def _cut(place: Sentence) -> Sentence:
    """Return a place with as much of its paragraph as the page shows."""
    before, after = place.before, place.after
    if len(before) > MAX_CHARACTERS:
        before = "…" + before[-MAX_CHARACTERS:]
    if len(after) > MAX_CHARACTERS:
        after = after[:MAX_CHARACTERS] + "…"
    return replace(place, before=before, after=after)


def _say(visit: Visit, request_id: int, number: int, error: InputError) -> str:
    """Return what happened meanwhile, and what to do."""
    with visit.transaction() as connection:
        rows = [row.row for row in _sentences(connection, request_id) if row.row.number == number]
    row = next((row for row in rows if row.decision and row.decided_at), None)
    if row is None or row.decided_at is None:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    by = "you" if row.decided_by == visit.user.name else row.decided_by
    return (
        f"Sentence {number} was decided by {by}, {format_instant(row.decided_at)}: "
        f"{row.decision}. To decide again: driftwarden requests decide {request_id} {number} "
        f"--{row.decision} --change --reason WHY --as NAME."
    )


HANDLERS = (requests, request_page, decide)
