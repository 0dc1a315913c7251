"""The pages of an expert: the queue, an item, a discussion."""

from dataclasses import asdict
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.review import item_view, workflow
from monitor.review.web.clock import Clock
from monitor.review.worklist import work_of
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.reviewers import ReviewerRow

ERROR_KINDS = {
    "knowledge": "Missing knowledge",
    "judgement": "Wrong judgement",
    "format": "Wrong format",
    "tone": "Wrong tone",
    "unsafe": "Unsafe",
    "other": "Other",
}
DIMENSIONS = {
    "accuracy": "Is what it says right?",
    "completeness": "Is anything missing?",
    "tone": "Would you send it like this?",
    "compliance": "Does it keep the rules?",
}
VERDICTS = {"accept": "Accept", "correct": "Correct", "reject": "Reject"}
CAUSES = {
    "guide_gap": "The guide doesn't say",
    "reviewer_error": "One of the reviews is mistaken",
    "ambiguous": "The request is ambiguous",
}
WORDS: dict[str, Any] = {
    "error_kinds": ERROR_KINDS,
    "dimensions": DIMENSIONS,
    "verdicts": VERDICTS,
    "causes": CAUSES,
}


@get("/", sync_to_thread=False)
def root(visitor: NamedDependency[ReviewerRow | None]) -> Redirect:
    """Go to the queue, or sign in."""
    return Redirect("/review" if visitor else "/login", status_code=303)


@get("/review", sync_to_thread=True)
def queue(
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> Template | Redirect:
    """Show what waits; go on with the item the person is at."""
    with transaction(engine) as connection:
        work = work_of(connection, reviewer, clock())
    if work.at_work is not None:
        return Redirect(f"/review/{work.at_work}", status_code=303)
    return Template("queue.html", context={"person": reviewer, **asdict(work)})


@post("/review", status_code=303, sync_to_thread=True)
def next_item(
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Claim the next item and go to it."""
    with transaction(engine) as connection:
        item_id = workflow.claim_next(
            connection, reviewer.id, clock(), settings.review.lease_minutes
        )
    return Redirect(f"/review/{item_id}" if item_id else "/review", status_code=303)


@get("/review/{item_id:int}", sync_to_thread=True)
def item(
    item_id: FromPath[int], reviewer: NamedDependency[ReviewerRow], engine: NamedDependency[Engine]
) -> Template:
    """Show an item: to review, to discuss, to adjudicate, or to look at again."""
    with transaction(engine) as connection:
        view = item_view.view_item(connection, item_id, reviewer)
    context: dict[str, Any] = {"person": reviewer, "item": view, **WORDS}
    if view.state in {"open", "submitted", "flagged", "excluded"}:
        template = "item.html"
        own = asdict(view.own_review) if view.own_review else {}
        context["initial"] = {
            "id": view.id,
            "state": view.state,
            "response": view.response,
            "draft": {key: str(value) for key, value in own.items()} if own else view.draft,
        }
    else:
        template = "discussion.html"
        context["initial"] = {
            "id": view.id,
            "response": view.response,
            "adjudicate": view.may_decide,
            "proposals": [
                {
                    "verdict": row.verdict,
                    "error_kind": row.error_kind,
                    "corrected_response": row.corrected_response,
                    "comment": row.comment,
                    "own": row.reviewer_id == reviewer.id,
                }
                for row in view.proposals
            ],
        }
    return Template(template, context=context)


HANDLERS = (root, queue, next_item, item)
