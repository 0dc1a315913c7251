"""Pages of reviewers: the queue, an item, a discussion."""

from datetime import datetime
from typing import Any

from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.review.guidelines import TaskType
from monitor.review.guidelines.versions import taxonomy_by_version
from monitor.review.human_evaluation.view import human_evaluations_to_rate
from monitor.review.items import item_view
from monitor.review.items.blind_review import ReviewQueue
from monitor.review.items.questions import proposed_scores
from monitor.review.items.settling import settle_reviewed
from monitor.review.items.worklist import Worklist, worklist_of
from monitor.store.review.beginnings import listed_items
from monitor.store.review.reviews import has_reviewed
from monitor.store.review.taxonomies import version_numbers
from monitor.stored_words import labels
from monitor.web.access.audience import NO_FINDINGS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import form, get

#: Items of a list of the queue.
N_LISTED = 60
ERROR_KINDS = labels(
    {
        "knowledge": "Missing knowledge",
        "judgement": "Wrong judgement",
        "format": "Wrong format",
        "tone": "Wrong tone",
        "unsafe": "Unsafe",
        "other": "Other",
    }
)
DIMENSIONS = {
    "accuracy": "Is the content right?",
    "completeness": "Is anything missing?",
    "tone": "Is the tone right?",
    "compliance": "Does it follow the rules?",
}
ANSWERABLE = labels(
    {
        "yes": "Yes, the model had what it needed",
        "facts_missing": "No, facts were missing",
        "needs_judgement": "No, it needs trained judgement",
    }
)
VERDICTS = labels({"accept": "Accept", "correct": "Correct", "reject": "Reject"})
CAUSES = labels(
    {
        "guidelines_gap": "The guidelines don't cover it",
        "reviewer_error": "One of the reviews is wrong",
        "ambiguous": "The request is ambiguous",
    }
)
RESOLUTIONS = labels(
    {
        "agreed": "Both reviewers agreed.",
        "discussed": "Both reviewers agreed after discussion.",
        "adjudicated": "An adjudicator decided.",
        "audited": "The audit differed and replaced the agreed verdict.",
    }
)
#: The fields of a verdict form, without its comment.
VERDICT_FIELDS = ("verdict", "error_kind", "answerable", "corrected_response")
LABELS: dict[str, Any] = {
    "error_kinds": ERROR_KINDS,
    "answerable": ANSWERABLE,
    "dimensions": DIMENSIONS,
    "verdicts": VERDICTS,
    "causes": CAUSES,
    "resolutions": RESOLUTIONS,
}


@get("/review", opt=REVIEWERS | NO_FINDINGS | texts("review_queue"))
def queue(visit: NamedDependency[Visit]) -> Template:
    """Show the queue: the item at work or the next one, and all that waits for the user."""
    with visit.transaction() as connection:
        work = _worklist(connection, visit)
        listed = {
            name: listed_items(connection, getattr(work, name)[:N_LISTED])
            for name in ("to_discuss", "to_adjudicate", "to_audit", "flagged_items")
        }
        human_evaluations = human_evaluations_to_rate(
            connection, visit.user, visit.now, visit.scope
        )
        first_time = not has_reviewed(connection, visit.user.id)
    return visit.page(
        "queue.html",
        {
            "first_time": first_time,
            "human_evaluations": human_evaluations,
            "work": work,
            "listed": listed,
            "now": visit.now,
        },
    )


@form("/review", opt=REVIEWERS | NO_FINDINGS)
def next_item(visit: NamedDependency[Visit]) -> Redirect:
    """Claim the next item and redirect to it."""
    with visit.transaction() as connection:
        item_id = ReviewQueue(visit.model, visit.user.grants).claim_next(
            connection, visit.user.id, visit.now, visit.lease
        )
    target = f"/review/{item_id}" if item_id else "/review"
    return Redirect(visit.address(target), status_code=303)


@get("/review/next", opt=REVIEWERS | NO_FINDINGS)
def next_to_settle(visit: NamedDependency[Visit], after: FromQuery[int] = 0) -> Redirect:
    """Redirect to the item to decide or discuss that comes after another one, or to the queue."""
    with visit.transaction() as connection:
        item_id = _worklist(connection, visit).next_to_settle(after)
    target = f"/review/{item_id}" if item_id else "/review"
    return Redirect(visit.address(target), status_code=303)


@get("/review/{item_id:int}", opt=REVIEWERS | NO_FINDINGS | texts("item"))
def item(item_id: FromPath[int], visit: NamedDependency[Visit]) -> Template:
    """Show an item: to review, discuss or decide, or read-only."""
    with visit.transaction() as connection:
        _settle(connection, visit)
        view = item_view.view_item(connection, item_id, visit.user)
        task = _guidelines_of(connection, view)
        versions = version_numbers(connection, view.model, view.taxonomy_version)
        # The page of a discussion is read every five seconds, and says nothing about the rest.
        reviews = view.state == "open"
        work = (
            worklist_of(connection, visit.user, visit.now, view.model, batch_id=view.batch_id)
            if reviews
            else None
        )
        visit.read_frame(connection)
    is_single = view.state in {"open", "submitted", "flagged", "excluded"}
    initial = {
        "id": view.id,
        "user": visit.user.id,
        "state": view.state,
        "response": view.response,
        "draft": view.draft,
        **(_lease(view, visit.now) if is_single else _discussion(view)),
        "proposed_scores": proposed_scores() if reviews else {},
    }
    return visit.page(
        "item.html" if is_single else "discussion.html",
        {
            "item": view,
            "task": task,
            "versions": versions,
            "has_scores": task is None or task.has_scores,
            "work": work,
            "initial": initial,
            **LABELS,
        },
    )


def _settle(connection: Connection, visit: Visit) -> None:
    settle_reviewed(connection, visit.now, audit_share=visit.settings.review.audit_share)


def _worklist(connection: Connection, visit: Visit) -> Worklist:
    _settle(connection, visit)
    return worklist_of(connection, visit.user, visit.now, visit.model)


def _lease(view: item_view.ItemView, now: datetime) -> dict[str, Any]:
    until = view.lease_until.isoformat() if view.lease_until else None
    return {"lease_until": until, "now": now.isoformat()}


def _discussion(view: item_view.ItemView) -> dict[str, Any]:
    """Return the start of a discussion: both texts and the user's own verdict."""
    own = view.own_review
    start = None
    if own and view.state == "disagreed":
        proposed = [row for row in view.proposals if row.reviewer_id == own.reviewer_id]
        latest = proposed[-1] if proposed else own
        start = {name: getattr(latest, name) for name in VERDICT_FIELDS}
    return {"texts": [row.corrected_response for row in view.reviews], "start": start}


def _guidelines_of(connection: Connection, view: item_view.ItemView) -> TaskType | None:
    """Return the guidelines of the item's task type, in the version of the item."""
    taxonomy = taxonomy_by_version(connection, view.taxonomy_version)
    return None if taxonomy is None else taxonomy.task_types.get(view.task_type)


HANDLERS = (queue, next_item, next_to_settle, item)
