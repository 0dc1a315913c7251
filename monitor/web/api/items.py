"""API: review items before their verdicts are compared."""

from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from monitor.errors import DriftwardenError, NotFoundError
from monitor.review.assignments import AssignmentQueue
from monitor.review.drafts import SeenDraft
from monitor.review.items import flags
from monitor.review.items.blind_review import REVIEWS, ReviewQueue
from monitor.review.items.item_view import ItemView, view_item
from monitor.review.items.verdicts import ReviewInput
from monitor.web.access.audience import NO_FINDINGS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import get, post


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason to decline, flag or reopen an item; an empty reason skips it."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


def release(queue: AssignmentQueue[Any, Any, Any], key: int | None, visit: Visit) -> bool:
    """Release the user's item of a key if it has no draft; return whether it was released."""
    if key is None:
        return False
    with suppress(NotFoundError), visit.transaction() as connection:
        return queue.release(connection, key, visit.user.id, visit.now)
    return False


def claim_next(visit: Visit, model: str | None) -> int | None:
    """Claim the user's next item, of a model or of all; return ``None`` if none is waiting."""
    with visit.transaction() as connection:
        queue = ReviewQueue(model, visit.user.grants)
        return queue.claim_next(connection, visit.user.id, visit.now, visit.lease)


def _seen_draft(tab: FromQuery[str] = "", base: FromQuery[int | None] = None) -> SeenDraft | None:
    """Return which draft a page has seen; ``None`` for a program, which doesn't say it."""
    return None if base is None else SeenDraft(tab, base)


SEEN_DRAFT = {"seen": Provide(_seen_draft, sync_to_thread=False)}


def _claims_of(claims: FromQuery[bool] = False, model: FromQuery[str] = "") -> str | None:
    """Return the model of which to claim the next item, empty for all; ``None``: no claim."""
    return model if claims else None


class ItemController(Controller):
    """Claiming, drafting, submitting, withdrawing, declining and flagging items."""

    path = "/items"
    dependencies = SEEN_DRAFT | {"claims_of": Provide(_claims_of, sync_to_thread=False)}

    @post("/claim", opt=REVIEWERS | NO_FINDINGS)
    def claim(self, visit: NamedDependency[Visit]) -> dict[str, int | None]:
        """Claim the next item, of ``?model=`` or of all; ``null`` if none is waiting."""
        return {"item": claim_next(visit, visit.model)}

    @get("/{item_id:int}", opt=REVIEWERS | NO_FINDINGS | texts("item"))
    def show(self, item_id: FromPath[int], visit: NamedDependency[Visit]) -> ItemView:
        """Return an item as the user may see it."""
        with visit.transaction() as connection:
            return view_item(connection, item_id, visit.user)

    @put("/{item_id:int}/draft", sync_to_thread=True, opt=REVIEWERS | NO_FINDINGS)
    def draft(
        self, item_id: FromPath[int], data: JSONBody[dict[str, Any]], visit: NamedDependency[Visit]
    ) -> dict[str, Any]:
        """Save the draft of a review."""
        with visit.transaction() as connection:
            until = REVIEWS.save_draft(
                connection, item_id, visit.user, data, now=visit.now, lease=visit.lease
            )
        return {"lease_until": until}

    @post("/{item_id:int}/heartbeat", opt=REVIEWERS | NO_FINDINGS)
    def heartbeat(self, item_id: FromPath[int], visit: NamedDependency[Visit]) -> dict[str, Any]:
        """Extend the lease of an item."""
        with visit.transaction() as connection:
            until = REVIEWS.extend_lease(connection, item_id, visit.user.id, visit.now, visit.lease)
        return {"lease_until": until}

    @post("/{item_id:int}/review", opt=REVIEWERS | NO_FINDINGS)
    def review(
        self,
        item_id: FromPath[int],
        data: JSONBody[ReviewInput],
        visit: NamedDependency[Visit],
        *,
        seen: NamedDependency[SeenDraft | None],
        claims_of: NamedDependency[str | None],
        undoable: FromQuery[bool] = False,
    ) -> dict[str, str | int | None]:
        """Submit a review. The response doesn't reveal the other reviewer's work.

        An ``undoable`` one can be withdrawn for two minutes, also if it is the second. With
        ``claims`` the response has the ``next`` item, as a claim of ``?model=`` returns it; where
        that fails it has none, and the review is submitted all the same.
        """
        settings = visit.settings.settings_of(visit.model or "")
        with visit.transaction() as connection:
            REVIEWS.submit(
                connection,
                item_id,
                visit.user,
                data,
                visit.now,
                audit_share=settings.review.audit_share,
                seen=seen,
                undoable=undoable,
            )
        response: dict[str, str | int | None] = {"status": "submitted"}
        if claims_of in {"", visit.model}:
            # Not in the transaction of the review: two reviewers who each lock their own item would
            # wait for the other's.
            with suppress(DriftwardenError):
                response["next"] = claim_next(visit, claims_of or None)
        return response

    @delete(
        "/{item_id:int}/review", status_code=200, sync_to_thread=True, opt=REVIEWERS | NO_FINDINGS
    )
    def withdraw(
        self,
        item_id: FromPath[int],
        visit: NamedDependency[Visit],
        at_work: FromQuery[int | None] = None,
    ) -> dict[str, Any]:
        """Withdraw the own review into a draft, until it is compared with the other one.

        ``at_work`` is the item that the user has begun in the meantime: without a draft it is
        released, so that others can claim it.
        """
        with visit.transaction() as connection:
            REVIEWS.withdraw(connection, item_id, visit.user, now=visit.now, lease=visit.lease)
        return {"status": "open", "released": release(REVIEWS, at_work, visit)}

    @post("/{item_id:int}/decline", opt=REVIEWERS | NO_FINDINGS)
    def decline(
        self, item_id: FromPath[int], data: JSONBody[Explanation], visit: NamedDependency[Visit]
    ) -> dict[str, str]:
        """Skip an item, or with a reason decline it permanently."""
        with visit.transaction() as connection:
            REVIEWS.decline(connection, item_id, visit.user, visit.now, data.reason)
        return {"status": "declined" if data.reason.strip() else "skipped"}

    @post("/{item_id:int}/flag", opt=REVIEWERS | NO_FINDINGS)
    def flag(
        self, item_id: FromPath[int], data: JSONBody[Explanation], visit: NamedDependency[Visit]
    ) -> dict[str, str]:
        """Flag an item: it is withdrawn until a lead decides."""
        with visit.transaction() as connection:
            flags.flag(connection, item_id, visit.user, visit.now, data.reason)
        return {"status": "flagged"}
