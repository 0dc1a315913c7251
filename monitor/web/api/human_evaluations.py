"""Items of a study: claim, draft, submit, take back, put off or decline. No answer has an id."""

from typing import Any

from litestar import Controller, delete, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review.human_evaluation import rating
from monitor.review.human_evaluation.rating import Ratings
from monitor.settings import Settings
from monitor.store.accounts.users import ReviewerRow
from monitor.store.engine import transaction
from monitor.web.api.bodies import Explanation
from monitor.web.clock import Clock


class Studies(Controller):
    """Rating the items of a study."""

    path = "/studies/{study_id:int}"

    @post("/claim", status_code=200, sync_to_thread=True)
    def claim(
        self,
        study_id: FromPath[int],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, int | None]:
        """Claim the next item, or the one the person is at; ``null`` where none waits."""
        with transaction(engine) as connection:
            number = rating.claim_next(
                connection, study_id, reviewer.id, clock(), settings.review.lease_minutes
            )
        return {"item": number}

    @put("/items/{number:int}/draft", sync_to_thread=True)
    def draft(  # noqa: PLR0917 - Litestar passes them by name
        self,
        study_id: FromPath[int],
        number: FromPath[int],
        data: JSONBody[dict[str, Any]],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Keep what was chosen so far."""
        with transaction(engine) as connection:
            until = rating.save_draft(
                connection,
                study_id,
                number,
                reviewer.id,
                data,
                now=clock(),
                lease_minutes=settings.review.lease_minutes,
            )
        return {"lease_until": until}

    @post("/items/{number:int}/heartbeat", status_code=200, sync_to_thread=True)
    def heartbeat(  # noqa: PLR0917 - Litestar passes them by name
        self,
        study_id: FromPath[int],
        number: FromPath[int],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Keep the item reserved."""
        with transaction(engine) as connection:
            until = rating.extend_lease(
                connection,
                study_id,
                number,
                reviewer.id,
                now=clock(),
                lease_minutes=settings.review.lease_minutes,
            )
        return {"lease_until": until}

    @post("/items/{number:int}/ratings", status_code=200, sync_to_thread=True)
    def submit(  # noqa: PLR0917 - Litestar passes them by name
        self,
        study_id: FromPath[int],
        number: FromPath[int],
        data: JSONBody[Ratings],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Submit the ratings of an item, in the order in which its answers were shown."""
        with transaction(engine) as connection:
            rating.submit(connection, study_id, number, reviewer.id, data, now=clock())
        return {"status": "submitted"}

    @delete("/items/{number:int}/ratings", status_code=200, sync_to_thread=True)
    def withdraw(  # noqa: PLR0917 - Litestar passes them by name
        self,
        study_id: FromPath[int],
        number: FromPath[int],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Take one's own ratings back, as a draft, as long as the study is open."""
        with transaction(engine) as connection:
            rating.withdraw(
                connection,
                study_id,
                number,
                reviewer.id,
                now=clock(),
                lease_minutes=settings.review.lease_minutes,
            )
        return {"status": "open"}

    @post("/items/{number:int}/decline", status_code=200, sync_to_thread=True)
    def decline(  # noqa: PLR0917 - Litestar passes them by name
        self,
        study_id: FromPath[int],
        number: FromPath[int],
        data: JSONBody[Explanation],
        reviewer: NamedDependency[ReviewerRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Put an item off, or with a reason decline it for good."""
        with transaction(engine) as connection:
            rating.decline(
                connection, study_id, number, reviewer.id, now=clock(), reason=data.reason
            )
        return {"status": "declined" if data.reason.strip() else "skipped"}
