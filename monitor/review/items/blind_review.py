"""Two independent, blind reviews of an item: claim, draft, decline, submit and withdraw.

Until both reviews are submitted, a reviewer learns nothing of the other one.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.assignments import AssignmentQueue
from monitor.review.drafts import SeenDraft
from monitor.review.guidelines.versions import has_scores
from monitor.review.items.consensus import reach_consensus
from monitor.review.items.permissions import may_decide
from monitor.review.items.states import Status
from monitor.review.items.steps import take_step
from monitor.review.items.verdicts import SCORES, ReviewInput, check_judgement, check_scores
from monitor.store.accounts.grants import Grants, grants_of
from monitor.store.accounts.roles import Permission
from monitor.store.accounts.users import UserRow
from monitor.store.assignments import Assignment
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS, claim_slot, current_item_of
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.queue import Claimer, find_next_review_item
from monitor.store.review.reviews import delete_review, insert_review, reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.traffic.exchanges import exchange_by_id


class ReviewQueue(AssignmentQueue[ItemRow, Assignment, Claimer]):
    """The review items of all batches, or of one model's, by id.

    ``grants`` are those of the user who claims, where they are read already.
    """

    #: The response, the longest value, is cut long before.
    max_draft_characters = 400_000

    def __init__(self, model: str | None = None, grants: Grants | None = None) -> None:
        super().__init__(REVIEW_ASSIGNMENTS)
        self._model, self._grants = model, grants

    def submit(
        self,
        connection: Connection,
        item_id: int,
        reviewer: UserRow,
        review: ReviewInput,
        now: datetime,
        *,
        audit_share: float = 0.0,
        seen: SeenDraft | None = None,
        undoable: bool = False,
    ) -> str:
        """Store a reviewer's review and return the item's status.

        The second review makes the item gold if both agree, and ``disagreed`` otherwise. From then
        on neither review changes. ``audit_share`` is the probability with which an agreed item is
        drawn for an audit; ``seen`` is the draft that the page has seen, if it says so. An
        ``undoable`` review can be withdrawn for `settling.UNDO_TIME`, also if it is the second.

        Raises:
            NewerDraftError: Another page has saved a newer draft.
            NotFoundError: The reviewer never claimed the item.
            WorkflowError: The review is incomplete, or the item isn't the reviewer's any more.
        """
        item = self.lock(connection, item_id)
        was = self.renew(connection, item, item_id, reviewer.id, now=now, until=now, seen=seen)
        response = exchange_by_id(connection, item.exchange_id).response
        scored = has_scores(connection, item.taxonomy_version, item.task_type)
        checked = check_scores(check_judgement(review, response), has_scores=scored)
        insert_review(connection, item_id, reviewer.id, now, **msgspec.structs.asdict(checked))
        if was.draft:
            REVIEW_ASSIGNMENTS.clear_draft(connection, item_id, reviewer.id)
        to: Status = "queued" if undoable else reach_consensus(connection, item, now, audit_share)
        changes: dict[str, Any] = {}
        if undoable and len(reviews_of(connection, [item_id])) >= REVIEWS_PER_ITEM:
            changes = {"complete_since": now}
        details = {"verdict": checked.verdict, "error_kind": checked.error_kind}
        take_step(
            connection, item, "reviewed", to, by=reviewer.name, now=now, details=details, **changes
        )
        return to

    def withdraw(
        self,
        connection: Connection,
        item_id: int,
        reviewer: UserRow,
        *,
        now: datetime,
        lease: timedelta,
    ) -> None:
        """Turn a reviewer's own review into a draft, until it is compared with the other one.

        Raises:
            NotFoundError: The reviewer hasn't reviewed the item.
            WorkflowError: The two reviews are compared, or the item was flagged.
        """
        item = self.lock(connection, item_id)
        reviews = reviews_of(connection, [item_id])
        own = next((row for row in reviews if row.reviewer_id == reviewer.id), None)
        if own is None:
            raise self.not_found(item_id)
        if item.status != "queued":
            reason = (
                "the item is flagged"
                if item.status in {"flagged", "excluded"}
                else "the other reviewer has submitted, and both reviews are compared"
            )
            raise WorkflowError(f"the review can't be undone any more: {reason}", code="final")
        delete_review(connection, item_id, reviewer.id)
        fields = ("verdict", "error_kind", "answerable", *SCORES, "comment")
        values = {name: getattr(own, name) for name in fields}
        draft: dict[str, Any] = {
            name: str(value) for name, value in values.items() if value is not None
        }
        if own.verdict != "accept":
            draft["corrected_response"] = own.corrected_response
        self.restore_draft(connection, item, reviewer.id, draft, now=now, until=now + lease)
        take_step(
            connection, item, "withdrawn", "queued", by=reviewer.name, now=now, complete_since=None
        )

    def load_claimer(self, connection: Connection, user_id: int) -> Claimer:
        """Return a reviewer with the models and task types that they review."""
        grants = self._grants or grants_of(connection, [user_id])[user_id]
        return Claimer(user_id, grants.portions(Permission.REVIEW, self._model))

    def current(self, connection: Connection, claimer: Claimer, now: datetime) -> int | None:
        """Return the item that a reviewer works on."""
        at_work = current_item_of(connection, claimer, now)
        return None if at_work is None else at_work[0]

    def find_next(self, connection: Connection, claimer: Claimer, now: datetime) -> int | None:
        """Return the next queued item of the reviewer's models and task types."""
        return find_next_review_item(connection, claimer, now)

    def lock(self, connection: Connection, key: int) -> ItemRow:
        """Lock an item's row and read it."""
        return item_by_id(connection, key, lock=True)

    def claim_slot(
        self,
        connection: Connection,
        item: ItemRow,
        user_id: int,
        *,
        now: datetime,
        until: datetime,
    ) -> bool:
        """Give a reviewer one of the two slots of a queued item."""
        return claim_slot(connection, item.id, user_id, now=now, until=until)

    def refusal(
        self, connection: Connection, item: ItemRow, assignment: Assignment
    ) -> WorkflowError:
        """Return the error for a reviewer who has submitted, or whose item is flagged or taken."""
        reviews = reviews_of(connection, [item.id])
        if any(row.reviewer_id == assignment.reviewer_id for row in reviews):
            return WorkflowError(
                "you have submitted this review; undo it to change it", code="submitted"
            )
        if item.status in {"flagged", "excluded"}:
            return WorkflowError("the item was flagged and needs no review", code="flagged")
        return super().refusal(connection, item, assignment)

    def needs_slot(self, connection: Connection, item: ItemRow, user: UserRow) -> bool:
        """Return whether a user drafts a review, and not a proposal, a ruling or an audit."""
        return not may_decide(connection, item, user) and not (
            item.status == "disagreed"
            and any(row.reviewer_id == user.id for row in reviews_of(connection, [item.id]))
        )

    def record_decline(
        self, connection: Connection, item: ItemRow, user: UserRow, now: datetime, reason: str
    ) -> None:
        """Record the event; the audit log has it if a reason is given."""
        if reason:
            details = {"reason": reason}
            take_step(
                connection, item, "declined", "queued", by=user.name, now=now, details=details
            )
        else:
            take_step(connection, item, "released", "queued", by=user.name, now=now)

    def not_found(self, key: int) -> NotFoundError:
        """Return the error for an item that isn't this reviewer's."""
        return NotFoundError(f"there is no item {key}")


REVIEWS = ReviewQueue()
