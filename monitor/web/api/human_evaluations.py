"""API: items of human evaluations. Responses carry no ids, so that they stay blind."""

from typing import Any

from litestar import Controller, delete, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review.human_evaluation.rating import RatingQueue, Ratings
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.web.api.bodies import Explanation
from monitor.web.clock import Clock


class HumanEvaluationController(Controller):
    """Claiming, drafting, submitting, withdrawing and declining ratings."""

    path = "/human-evaluations/{human_evaluation_id:int}"

    @post("/claim", status_code=200, sync_to_thread=True)
    def claim(
        self,
        human_evaluation_id: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, int | None]:
        """Claim the next item, or return the current one; ``null`` if none is waiting."""
        with transaction(engine) as connection:
            number = RatingQueue(human_evaluation_id).claim_next(
                connection, user.id, clock(), settings.review.lease
            )
        return {"item": number}

    @put("/items/{number:int}/draft", sync_to_thread=True)
    def draft(  # noqa: PLR0917 - Litestar passes them by name
        self,
        human_evaluation_id: FromPath[int],
        number: FromPath[int],
        data: JSONBody[dict[str, Any]],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Save the draft of the ratings."""
        with transaction(engine) as connection:
            until = RatingQueue(human_evaluation_id).save_draft(
                connection,
                number,
                user,
                data,
                now=clock(),
                lease=settings.review.lease,
            )
        return {"lease_until": until}

    @post("/items/{number:int}/heartbeat", status_code=200, sync_to_thread=True)
    def heartbeat(  # noqa: PLR0917 - Litestar passes them by name
        self,
        human_evaluation_id: FromPath[int],
        number: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Extend the lease of an item."""
        with transaction(engine) as connection:
            until = RatingQueue(human_evaluation_id).extend_lease(
                connection,
                number,
                user.id,
                now=clock(),
                lease=settings.review.lease,
            )
        return {"lease_until": until}

    @post("/items/{number:int}/ratings", status_code=200, sync_to_thread=True)
    def submit(  # noqa: PLR0917 - Litestar passes them by name
        self,
        human_evaluation_id: FromPath[int],
        number: FromPath[int],
        data: JSONBody[Ratings],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Submit the ratings of an item, in the order in which its responses were shown."""
        with transaction(engine) as connection:
            RatingQueue(human_evaluation_id).submit(connection, number, user.id, data, now=clock())
        return {"status": "submitted"}

    @delete("/items/{number:int}/ratings", status_code=200, sync_to_thread=True)
    def withdraw(  # noqa: PLR0917 - Litestar passes them by name
        self,
        human_evaluation_id: FromPath[int],
        number: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Withdraw the own ratings into a draft, until the human evaluation is locked."""
        with transaction(engine) as connection:
            RatingQueue(human_evaluation_id).withdraw(
                connection,
                number,
                user.id,
                now=clock(),
                lease=settings.review.lease,
            )
        return {"status": "open"}

    @post("/items/{number:int}/decline", status_code=200, sync_to_thread=True)
    def decline(  # noqa: PLR0917 - Litestar passes them by name
        self,
        human_evaluation_id: FromPath[int],
        number: FromPath[int],
        data: JSONBody[Explanation],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Skip an item, or with a reason decline it permanently."""
        with transaction(engine) as connection:
            RatingQueue(human_evaluation_id).decline(connection, number, user, clock(), data.reason)
        return {"status": "declined" if data.reason.strip() else "skipped"}
