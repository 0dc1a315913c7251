"""Items: claim, look, draft, submit, take back, put off, flag."""

from typing import Any

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review.items import blind_review, flags
from monitor.review.items.item_view import ItemView, view_item
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.web.api.bodies import Explanation
from monitor.web.clock import Clock


class ItemController(Controller):
    """Items: claim, look, draft, submit, take back, put off, flag."""

    path = "/items"

    @post("/claim", status_code=200, sync_to_thread=True)
    def claim(
        self,
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, int | None]:
        """Claim the next item, or the one the person is at; ``null`` where none waits."""
        with transaction(engine) as connection:
            item_id = blind_review.claim_next(connection, user.id, clock(), settings.review.lease)
        return {"item": item_id}

    @get("/{item_id:int}", sync_to_thread=True)
    def show(
        self,
        item_id: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
    ) -> ItemView:
        """Return an item as this person may see it."""
        with transaction(engine) as connection:
            return view_item(connection, item_id, user)

    @put("/{item_id:int}/draft", sync_to_thread=True)
    def draft(  # noqa: PLR0917 - Litestar passes them by name
        self,
        item_id: FromPath[int],
        data: JSONBody[dict[str, Any]],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Keep what was typed so far."""
        with transaction(engine) as connection:
            until = blind_review.save_draft(
                connection,
                item_id,
                user,
                data,
                now=clock(),
                lease=settings.review.lease,
            )
        return {"lease_until": until}

    @post("/{item_id:int}/heartbeat", status_code=200, sync_to_thread=True)
    def heartbeat(
        self,
        item_id: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Keep the item reserved."""
        with transaction(engine) as connection:
            until = blind_review.extend_lease(
                connection, item_id, user.id, clock(), settings.review.lease
            )
        return {"lease_until": until}

    @post("/{item_id:int}/review", status_code=200, sync_to_thread=True)
    def review(  # noqa: PLR0917 - Litestar passes them by name
        self,
        item_id: FromPath[int],
        data: JSONBody[ReviewInput],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Submit a review. The answer doesn't tell what others have done."""
        with transaction(engine) as connection:
            blind_review.submit_review(
                connection,
                item_id,
                user,
                data,
                clock(),
                audit_share=settings.review.audit_share,
            )
        return {"status": "submitted"}

    @delete("/{item_id:int}/review", status_code=200, sync_to_thread=True)
    def withdraw(
        self,
        item_id: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Take one's own review back, as a draft, as long as the other's isn't in."""
        with transaction(engine) as connection:
            blind_review.withdraw_review(
                connection,
                item_id,
                user,
                now=clock(),
                lease=settings.review.lease,
            )
        return {"status": "open"}

    @post("/{item_id:int}/decline", status_code=200, sync_to_thread=True)
    def decline(
        self,
        item_id: FromPath[int],
        data: JSONBody[Explanation],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Put an item off, or with a reason decline it for good."""
        with transaction(engine) as connection:
            blind_review.decline(connection, item_id, user, clock(), data.reason)
        return {"status": "declined" if data.reason.strip() else "skipped"}

    @post("/{item_id:int}/flag", status_code=200, sync_to_thread=True)
    def flag(
        self,
        item_id: FromPath[int],
        data: JSONBody[Explanation],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Take an item out until a lead has looked at it."""
        with transaction(engine) as connection:
            flags.flag(connection, item_id, user, clock(), data.reason)
        return {"status": "flagged"}
