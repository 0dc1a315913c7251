"""The JSON API: what the page itself uses, and whoever reviews by program."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Router, get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review import item_view, resolution, workflow
from monitor.review.verdicts import Judgement, ReviewInput
from monitor.review.web.clock import Clock
from monitor.review.web.sign_in import sign_in
from monitor.review.web.throttle import LoginThrottle
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.leases import count_available
from monitor.store.reviewers import ReviewerRow
from monitor.store.reviews import items_to_adjudicate, items_to_discuss

Reason = Annotated[str, msgspec.Meta(max_length=2000)]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name and password."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=2000)]


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is put off, declined or flagged; empty puts it off."""

    reason: Reason = ""


@post("/login", status_code=200, sync_to_thread=True)
def login(
    request: Request[Any, Any, Any],
    data: JSONBody[Credentials],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
    throttle: NamedDependency[LoginThrottle],
) -> dict[str, Any]:
    """Sign in. GET /login first: it sets the cookie whose value goes into x-csrftoken."""
    person = sign_in(request, engine, clock, throttle, name=data.name, password=data.password)
    if person is None:
        raise NotAuthorizedException("name or password is wrong")
    return {"id": person.id, "name": person.name, "role": person.role}


@get("/work", sync_to_thread=True)
def work(
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    clock: NamedDependency[Clock],
) -> dict[str, Any]:
    """Return what waits for the person: items to review, to discuss, to adjudicate."""
    now = clock()
    with transaction(engine) as connection:
        resolution.escalate_stale(connection, now)
        return {
            "available": count_available(connection, reviewer.id, now),
            "to_discuss": items_to_discuss(connection, reviewer.id),
            "to_adjudicate": (
                items_to_adjudicate(connection, reviewer.id) if reviewer.adjudicates else []
            ),
        }


class Items(Controller):
    """Items: claim, look, draft, submit, resolve."""

    path = "/items"

    @post("/claim", status_code=200, sync_to_thread=True)
    def claim(
        self,
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, int | None]:
        """Claim the next item, or the one the person is at; ``null`` where none waits."""
        with transaction(engine) as connection:
            item_id = workflow.claim_next(
                connection, reviewer.id, clock(), settings.review.lease_minutes
            )
        return {"item": item_id}

    @get("/{item_id:int}", sync_to_thread=True)
    def show(
        self,
        item_id: FromPath[int],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
    ) -> dict[str, Any]:
        """Return an item as this person may see it."""
        with transaction(engine) as connection:
            return asdict(item_view.view_item(connection, item_id, reviewer))

    @put("/{item_id:int}/draft", sync_to_thread=True)
    def draft(  # noqa: PLR0917 - Litestar passes them by name
        self,
        item_id: FromPath[int],
        data: JSONBody[dict[str, Any]],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Keep what was typed so far."""
        with transaction(engine) as connection:
            until = workflow.save_draft(
                connection,
                item_id,
                reviewer.id,
                data,
                now=clock(),
                lease_minutes=settings.review.lease_minutes,
            )
        return {"lease_until": until}

    @post("/{item_id:int}/heartbeat", status_code=200, sync_to_thread=True)
    def heartbeat(
        self,
        item_id: FromPath[int],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Keep the item reserved."""
        with transaction(engine) as connection:
            until = workflow.extend_lease(
                connection, item_id, reviewer.id, clock(), settings.review.lease_minutes
            )
        return {"lease_until": until}

    @post("/{item_id:int}/review", status_code=200, sync_to_thread=True)
    def review(
        self,
        item_id: FromPath[int],
        data: JSONBody[ReviewInput],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Submit a review. The answer doesn't tell what others have done."""
        with transaction(engine) as connection:
            workflow.submit_review(connection, item_id, reviewer, data, clock())
        return {"status": "submitted"}

    @post("/{item_id:int}/decline", status_code=200, sync_to_thread=True)
    def decline(
        self,
        item_id: FromPath[int],
        data: JSONBody[Explanation],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Put an item off, or with a reason decline it for good."""
        with transaction(engine) as connection:
            workflow.decline(connection, item_id, reviewer, clock(), data.reason)
        return {"status": "declined" if data.reason.strip() else "skipped"}

    @post("/{item_id:int}/flag", status_code=200, sync_to_thread=True)
    def flag(
        self,
        item_id: FromPath[int],
        data: JSONBody[Explanation],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Take an item out of the batch."""
        with transaction(engine) as connection:
            workflow.flag(connection, item_id, reviewer, clock(), data.reason)
        return {"status": "excluded"}

    @post("/{item_id:int}/resolution", status_code=200, sync_to_thread=True)
    def resolve(
        self,
        item_id: FromPath[int],
        data: JSONBody[Judgement],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Propose a joint resolution; ``gold`` once both reviewers propose the same."""
        with transaction(engine) as connection:
            status = resolution.propose_resolution(connection, item_id, reviewer, data, clock())
        return {"status": status}

    @post("/{item_id:int}/escalation", status_code=200, sync_to_thread=True)
    def escalate(
        self,
        item_id: FromPath[int],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """End the discussion and ask an adjudicator."""
        with transaction(engine) as connection:
            resolution.ask_for_adjudication(connection, item_id, reviewer, clock())
        return {"status": "adjudication"}

    @post("/{item_id:int}/adjudication", status_code=200, sync_to_thread=True)
    def adjudicate(
        self,
        item_id: FromPath[int],
        data: JSONBody[resolution.Ruling],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Decide an item that two others disagree on."""
        with transaction(engine) as connection:
            resolution.adjudicate(connection, item_id, reviewer, data, clock())
        return {"status": "gold"}


router = Router("/api", route_handlers=[login, work, Items])
