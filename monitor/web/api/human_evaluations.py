"""API: items of human evaluations. Responses carry no ids, so that they stay blind."""

from typing import Any

from litestar import Controller, delete, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from monitor.review.drafts import SeenDraft
from monitor.review.human_evaluation.rating import RatingQueue, Ratings
from monitor.web.access.audience import NO_FINDINGS, REVIEWERS
from monitor.web.api.items import SEEN_DRAFT, Explanation, release
from monitor.web.current_user import Visit
from monitor.web.handlers import post


def _queue(human_evaluation_id: FromPath[int]) -> RatingQueue:
    return RatingQueue(human_evaluation_id)


class HumanEvaluationController(Controller):
    """Claiming, drafting, submitting, withdrawing and declining ratings."""

    path = "/human-evaluations/{human_evaluation_id:int}"
    dependencies = SEEN_DRAFT | {"queue": Provide(_queue, sync_to_thread=False)}

    @post("/claim", opt=REVIEWERS | NO_FINDINGS)
    def claim(
        self, queue: NamedDependency[RatingQueue], visit: NamedDependency[Visit]
    ) -> dict[str, int | None]:
        """Claim the next item, or return the current one; ``null`` if none is waiting."""
        with visit.transaction() as connection:
            number = queue.claim_next(connection, visit.user.id, visit.now, visit.lease)
        return {"item": number}

    @put("/items/{number:int}/draft", sync_to_thread=True, opt=REVIEWERS | NO_FINDINGS)
    def draft(
        self,
        queue: NamedDependency[RatingQueue],
        number: FromPath[int],
        data: JSONBody[dict[str, Any]],
        visit: NamedDependency[Visit],
    ) -> dict[str, Any]:
        """Save the draft of the ratings."""
        with visit.transaction() as connection:
            until = queue.save_draft(
                connection, number, visit.user, data, now=visit.now, lease=visit.lease
            )
        return {"lease_until": until}

    @post("/items/{number:int}/heartbeat", opt=REVIEWERS | NO_FINDINGS)
    def heartbeat(
        self,
        queue: NamedDependency[RatingQueue],
        number: FromPath[int],
        visit: NamedDependency[Visit],
    ) -> dict[str, Any]:
        """Extend the lease of an item."""
        with visit.transaction() as connection:
            until = queue.extend_lease(
                connection, number, visit.user.id, now=visit.now, lease=visit.lease
            )
        return {"lease_until": until}

    @post("/items/{number:int}/ratings", opt=REVIEWERS | NO_FINDINGS)
    def submit(
        self,
        queue: NamedDependency[RatingQueue],
        number: FromPath[int],
        data: JSONBody[Ratings],
        visit: NamedDependency[Visit],
        seen: NamedDependency[SeenDraft | None],
    ) -> dict[str, str]:
        """Submit the ratings of an item, in the order in which its responses were shown."""
        with visit.transaction() as connection:
            queue.submit(connection, number, visit.user.id, data, now=visit.now, seen=seen)
        return {"status": "submitted"}

    @delete(
        "/items/{number:int}/ratings",
        status_code=200,
        sync_to_thread=True,
        opt=REVIEWERS | NO_FINDINGS,
    )
    def withdraw(
        self,
        queue: NamedDependency[RatingQueue],
        number: FromPath[int],
        visit: NamedDependency[Visit],
        at_work: FromQuery[int | None] = None,
    ) -> dict[str, Any]:
        """Withdraw the own ratings into a draft, until the human evaluation is locked.

        ``at_work`` is the number of the item that the user has begun in the meantime: without a
        draft it is released.
        """
        with visit.transaction() as connection:
            queue.withdraw(connection, number, visit.user.id, now=visit.now, lease=visit.lease)
        return {"status": "open", "released": release(queue, at_work, visit)}

    @post("/items/{number:int}/decline", opt=REVIEWERS | NO_FINDINGS)
    def decline(
        self,
        queue: NamedDependency[RatingQueue],
        number: FromPath[int],
        data: JSONBody[Explanation],
        visit: NamedDependency[Visit],
    ) -> dict[str, str]:
        """Skip an item, or with a reason decline it permanently."""
        with visit.transaction() as connection:
            queue.decline(connection, number, visit.user, visit.now, data.reason)
        return {"status": "declined" if data.reason.strip() else "skipped"}
