"""API: review items before their verdicts are compared."""

from typing import Any

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review.items import flags
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.item_view import ItemView, view_item
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.web.api.bodies import Explanation
from monitor.web.clock import Clock


class ItemController(Controller):
    """Claiming, drafting, submitting, withdrawing, declining and flagging items."""

    path = "/items"

    @post("/claim", status_code=200, sync_to_thread=True)
    def claim(
        self,
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, int | None]:
        """Claim the next item, or return the current one; ``null`` if none is waiting."""
        with transaction(engine) as connection:
            item_id = REVIEWS.claim_next(connection, user.id, clock(), settings.review.lease)
        return {"item": item_id}

    @get("/{item_id:int}", sync_to_thread=True)
    def show(
        self,
        item_id: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
    ) -> ItemView:
        """Return an item as the user may see it."""
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
        """Save the draft of a review."""
        with transaction(engine) as connection:
            until = REVIEWS.save_draft(
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
        """Extend the lease of an item."""
        with transaction(engine) as connection:
            until = REVIEWS.extend_lease(
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
        """Submit a review. The response doesn't reveal the other reviewer's work."""
        with transaction(engine) as connection:
            REVIEWS.submit(
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
        """Withdraw the own review into a draft, until the other review is submitted."""
        with transaction(engine) as connection:
            REVIEWS.withdraw(
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
        """Skip an item, or with a reason decline it permanently."""
        with transaction(engine) as connection:
            REVIEWS.decline(connection, item_id, user, clock(), data.reason)
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
        """Flag an item: it is withdrawn until a lead decides."""
        with transaction(engine) as connection:
            flags.flag(connection, item_id, user, clock(), data.reason)
        return {"status": "flagged"}
