"""Claim, lease, draft, decline, submit and withdraw: one engine for reviews and ratings.

Every method that changes an assignment locks the item's row first, so that concurrent requests of
two users on one item happen one after the other.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.drafts import BASE, EDITED_AT, SeenDraft, check_seen
from monitor.store.accounts.users import UserRow
from monitor.store.assignments import Assignment, AssignmentTable

#: Items that others may claim, one after the other, between selecting an item and locking it.
CLAIM_ATTEMPTS = 100


class AssignedItem(Protocol):
    """An item that users are assigned to."""

    @property
    def id(self) -> int:
        """Its row's id."""


ItemT = TypeVar("ItemT", bound=AssignedItem)
AssignmentT = TypeVar("AssignmentT", bound=Assignment)
ClaimerT = TypeVar("ClaimerT")


class AssignmentQueue(ABC, Generic[ItemT, AssignmentT, ClaimerT]):
    """Items of one kind, which users claim for the time of a lease.

    Methods take an item's key: what routes and callers know it by.
    """

    #: Largest draft, in characters of its values.
    max_draft_characters: ClassVar[int]

    def __init__(self, table: AssignmentTable[AssignmentT]) -> None:
        self._table = table

    def claim_next(
        self, connection: Connection, user_id: int, now: datetime, lease: timedelta
    ) -> int | None:
        """Assign the user's current item again, else the next item with a free slot.

        Return the key of the item; ``None``: there is none for this user.

        Raises:
            WorkflowError: The queue is closed.
        """
        self.require_open(connection)
        until = now + lease
        claimer = self.load_claimer(connection, user_id)
        key = self.current(connection, claimer, now)
        for _ in range(CLAIM_ATTEMPTS):
            # An item without a free slot is unlocked again: two users who each kept one while
            # they wait for the other's would deadlock.
            with connection.begin_nested() as attempt:
                if key is None:
                    key = self.find_next(connection, claimer, now)
                # Its last slot may have gone between selecting and locking.
                if key is None or self._claim(connection, key, user_id, now, until):
                    return key
                attempt.rollback()
            key = None
        return None

    def extend_lease(
        self,
        connection: Connection,
        key: int,
        user_id: int,
        now: datetime,
        lease: timedelta,
    ) -> datetime:
        """Renew the lease, or claim the item again if nobody else has; return its end.

        Raises:
            NotFoundError: The user never claimed the item, or declined it.
            WorkflowError: Others have claimed the item, or it accepts no work.
        """
        until = now + lease
        self.renew(connection, self.lock(connection, key), key, user_id, now=now, until=until)
        return until

    def save_draft(
        self,
        connection: Connection,
        key: int,
        user: UserRow,
        draft: Mapping[str, Any],
        *,
        now: datetime,
        lease: timedelta,
    ) -> datetime:
        """Store a draft and renew the lease; return the lease's end.

        Raises:
            NewerDraftError: The draft of another page has edits that this one doesn't contain.
            NotFoundError: The item isn't the user's to work on.
            WorkflowError: Others have claimed the item, it accepts no work, or the draft is too
                large.
        """
        size = sum(len(str(value)) for value in draft.values())
        if size > self.max_draft_characters:
            raise WorkflowError(
                f"the draft is too long: {size:,} characters; "
                f"shorten it to at most {self.max_draft_characters:,}",
                code="draft_too_long",
            )
        until = now + lease
        item = self.lock(connection, key)
        if self.needs_slot(connection, item, user):
            self.renew(connection, item, key, user.id, now=now, until=until)
        check_seen(connection, self._table, item.id, user.id, SeenDraft.of_request(draft))
        stored = {name: value for name, value in draft.items() if name != BASE}
        self._table.store_draft(connection, item.id, user.id, stored, until)
        return until

    def decline(
        self, connection: Connection, key: int, user: UserRow, now: datetime, reason: str = ""
    ) -> None:
        """Skip an item, so that it comes back last; with a reason, decline it for good.

        Raises:
            NotFoundError: The user never claimed the item.
            WorkflowError: The user has submitted it, or others have claimed it.
        """
        item = self.lock(connection, key)
        self.renew(connection, item, key, user.id, now=now, until=now)
        reason = reason.strip()
        values = {"declined_reason": reason} if reason else {"skipped_at": now}
        self._table.update(connection, item.id, user.id, **values)
        self.record_decline(connection, item, user, now, reason)

    def release(self, connection: Connection, key: int, user_id: int, now: datetime) -> bool:
        """End a user's lease of an item without a draft, for which its place in the queue is free.

        Return whether there was one.

        Raises:
            NotFoundError: There is no such item.
        """
        item = self.lock(connection, key)
        assignment = self._table.find(connection, item.id, user_id)
        if assignment is None or assignment.draft or not assignment.is_live(now):
            return False
        self._table.update(connection, item.id, user_id, expires_at=now)
        return True

    def renew(
        self,
        connection: Connection,
        item: ItemT,
        key: int,
        user_id: int,
        *,
        now: datetime,
        until: datetime,
        seen: SeenDraft | None = None,
    ) -> AssignmentT:
        """Check that a user works on a locked item, and renew or reclaim their slot.

        Return the assignment as it was, whose draft the page has ``seen`` if it says so.

        Raises:
            NewerDraftError: Another page has saved a newer draft.
            NotFoundError: The user never claimed the item, or declined it.
            WorkflowError: The item accepts no work, or others have claimed it.
        """
        assignment = self._table.find(connection, item.id, user_id)
        if (
            assignment is None
            or not assignment.was_claimed
            or assignment.declined_reason is not None
        ):
            raise self.not_found(key)
        self.require_workable(connection, item, assignment)
        if not self.claim_slot(connection, item, user_id, now=now, until=until):
            raise self.refusal(connection, item, assignment)
        if seen is not None:
            seen.check(assignment.draft)
        return assignment

    def restore_draft(
        self, connection: Connection, item: ItemT, user_id: int, draft: dict[str, Any],
        *, now: datetime, until: datetime, **values: Any,
    ) -> None:  # fmt: skip
        """Turn withdrawn work into a draft under a new lease."""
        draft = {**draft, EDITED_AT: int(now.timestamp() * 1000)}
        self._table.update(
            connection, item.id, user_id,
            draft=draft, expires_at=until, skipped_at=None, **values,
        )  # fmt: skip

    def _claim(
        self, connection: Connection, key: int, user_id: int, now: datetime, until: datetime
    ) -> bool:
        item = self.lock(connection, key)
        return self.claim_slot(connection, item, user_id, now=now, until=until)

    def refusal(
        self,
        connection: Connection,  # noqa: ARG002
        item: ItemT,  # noqa: ARG002
        assignment: AssignmentT,  # noqa: ARG002
    ) -> WorkflowError:
        """Return the error for a user who gets no slot of a locked item."""
        return WorkflowError(
            "your reservation has expired and others have claimed the item; claim the next one",
            code="lease_expired",
        )

    def require_open(self, connection: Connection) -> None:
        """Raise ``WorkflowError`` where items can't be claimed at all."""

    def require_workable(
        self, connection: Connection, item: ItemT, assignment: AssignmentT
    ) -> None:
        """Raise ``WorkflowError`` where an item accepts no work although it has a free slot."""

    def needs_slot(self, connection: Connection, item: ItemT, user: UserRow) -> bool:  # noqa: ARG002
        """Return whether a user must hold a slot of the item to draft."""
        return True

    def record_decline(
        self, connection: Connection, item: ItemT, user: UserRow, now: datetime, reason: str
    ) -> None:
        """Record that a user skipped an item (no reason) or declined it."""

    @abstractmethod
    def load_claimer(self, connection: Connection, user_id: int) -> ClaimerT:
        """Return a user with the items that they may claim."""

    @abstractmethod
    def current(self, connection: Connection, claimer: ClaimerT, now: datetime) -> int | None:
        """Return the key of the item that a user works on."""

    @abstractmethod
    def find_next(self, connection: Connection, claimer: ClaimerT, now: datetime) -> int | None:
        """Return the key of the next item with a free slot for a user.

        Items that others have locked come last.
        """

    @abstractmethod
    def lock(self, connection: Connection, key: int) -> ItemT:
        """Lock an item's row and read it."""

    @abstractmethod
    def claim_slot(
        self,
        connection: Connection,
        item: ItemT,
        user_id: int,
        *,
        now: datetime,
        until: datetime,
    ) -> bool:
        """Give a user a slot of a locked item; return ``False`` if none is free."""

    @abstractmethod
    def not_found(self, key: int) -> NotFoundError:
        """Return the error for an item that isn't this user's."""
