"""API: flags, reopening and audit counts, for leads."""

from typing import Any

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from monitor.review.items import adjudication, flags
from monitor.store.review.audits import AuditCounts, count_audits
from monitor.store.review.items import items_with_status
from monitor.web.access.audience import LEADS, texts
from monitor.web.api.items import Explanation
from monitor.web.current_user import Visit
from monitor.web.handlers import get, post


class LeadController(Controller):
    """Flags, reopening and audit counts."""

    path = "/lead"

    @get("/flags", opt=LEADS | texts("flagged_items"))
    def flagged(self, lead_visit: NamedDependency[Visit]) -> list[dict[str, Any]]:
        """Return the flagged items with their reasons."""
        with lead_visit.transaction() as connection:
            items = items_with_status(connection, "flagged", lead_visit.scope)
        return [{"item": item.id, "reason": item.excluded_reason} for item in items]

    @post("/items/{item_id:int}/confirm-flag", opt=LEADS)
    def confirm_flag(
        self, item_id: FromPath[int], lead_visit: NamedDependency[Visit]
    ) -> dict[str, str]:
        """Exclude a flagged item permanently."""
        with lead_visit.transaction() as connection:
            flags.confirm_flag(connection, item_id, lead_visit.user, lead_visit.now)
        return {"status": "excluded"}

    @post("/items/{item_id:int}/reject-flag", opt=LEADS)
    def reject_flag(
        self, item_id: FromPath[int], lead_visit: NamedDependency[Visit]
    ) -> dict[str, str]:
        """Return a flagged item to its earlier status."""
        with lead_visit.transaction() as connection:
            status = flags.reject_flag(connection, item_id, lead_visit.user, lead_visit.now)
        return {"status": status}

    @post("/items/{item_id:int}/reopen", opt=LEADS)
    def reopen(
        self,
        item_id: FromPath[int],
        data: JSONBody[Explanation],
        lead_visit: NamedDependency[Visit],
    ) -> dict[str, Any]:
        """Reopen a decided item for an adjudicator; the old gold is kept as a revision."""
        with lead_visit.transaction() as connection:
            revision = adjudication.reopen(
                connection, item_id, lead_visit.user, lead_visit.now, data.reason
            )
        return {"status": "adjudication", "revision": revision}

    @get("/audits", opt=LEADS)
    def audits(self, lead_visit: NamedDependency[Visit]) -> AuditCounts:
        """Return the numbers of audits drawn, decided and confirmed."""
        with lead_visit.transaction() as connection:
            return count_audits(connection, lead_visit.scope)
