"""API: flags, reopening and audit counts, for leads."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review.items import adjudication, flags
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.store.review.audits import AuditCounts, count_audits
from monitor.store.review.items import items_with_status
from monitor.web.api.bodies import Explanation
from monitor.web.clock import Clock


class LeadController(Controller):
    """Flags, reopening and audit counts."""

    path = "/lead"

    @get("/flags", sync_to_thread=True)
    def flagged(
        self,
        lead: NamedDependency[UserRow],  # noqa: ARG002 - requires a lead
        engine: NamedDependency[Engine],
    ) -> list[dict[str, Any]]:
        """Return the flagged items with their reasons."""
        with transaction(engine) as connection:
            items = items_with_status(connection, "flagged")
        return [{"item": item.id, "reason": item.excluded_reason} for item in items]

    @post("/items/{item_id:int}/confirm-flag", status_code=200, sync_to_thread=True)
    def confirm_flag(
        self,
        item_id: FromPath[int],
        lead: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Exclude a flagged item permanently."""
        with transaction(engine) as connection:
            flags.confirm_flag(connection, item_id, lead, clock())
        return {"status": "excluded"}

    @post("/items/{item_id:int}/reject-flag", status_code=200, sync_to_thread=True)
    def reject_flag(
        self,
        item_id: FromPath[int],
        lead: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Return a flagged item to its earlier status."""
        with transaction(engine) as connection:
            status = flags.reject_flag(connection, item_id, lead, clock())
        return {"status": status}

    @post("/items/{item_id:int}/reopen", status_code=200, sync_to_thread=True)
    def reopen(
        self,
        item_id: FromPath[int],
        data: JSONBody[Explanation],
        lead: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Reopen a decided item for an adjudicator; the old gold is kept as a revision."""
        with transaction(engine) as connection:
            revision = adjudication.reopen(connection, item_id, lead, clock(), data.reason)
        return {"status": "adjudication", "revision": revision}

    @get("/audits", sync_to_thread=True)
    def audits(
        self,
        lead: NamedDependency[UserRow],  # noqa: ARG002 - requires a lead
        engine: NamedDependency[Engine],
    ) -> AuditCounts:
        """Return the numbers of audits drawn, decided and confirmed."""
        with transaction(engine) as connection:
            return count_audits(connection)
