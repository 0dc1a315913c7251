"""API: items after both reviews."""

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from monitor.review.drafts import SeenDraft
from monitor.review.items import adjudication, discussion
from monitor.review.items.adjudication import Ruling
from monitor.review.items.discussion import DiscussionMessage
from monitor.review.items.verdicts import Judgement
from monitor.web.access.audience import ADJUDICATORS, NO_FINDINGS, REVIEWERS
from monitor.web.api.items import SEEN_DRAFT
from monitor.web.current_user import Visit
from monitor.web.handlers import post


class ResolutionController(Controller):
    """Discussion, resolution, escalation, adjudication and audit of items."""

    path = "/items"
    dependencies = SEEN_DRAFT

    @post("/{item_id:int}/messages", opt=REVIEWERS | NO_FINDINGS)
    def write(
        self,
        item_id: FromPath[int],
        data: JSONBody[DiscussionMessage],
        visit: NamedDependency[Visit],
    ) -> dict[str, str]:
        """Send a message to the other reviewer of a disagreed item."""
        with visit.transaction() as connection:
            discussion.write_message(connection, item_id, visit.user, data.text, visit.now)
        return {"status": "written"}

    @post("/{item_id:int}/resolution", opt=REVIEWERS | NO_FINDINGS)
    def resolve(
        self,
        item_id: FromPath[int],
        data: JSONBody[Judgement],
        visit: NamedDependency[Visit],
        seen: NamedDependency[SeenDraft | None],
    ) -> dict[str, str]:
        """Propose a resolution; the item becomes gold once both reviewers propose the same."""
        with visit.transaction() as connection:
            status = discussion.submit_proposal(
                connection, item_id, visit.user, data, visit.now, seen=seen
            )
        return {"status": status}

    @post("/{item_id:int}/escalation", opt=REVIEWERS | NO_FINDINGS)
    def escalate(self, item_id: FromPath[int], visit: NamedDependency[Visit]) -> dict[str, str]:
        """End the discussion and pass the item to an adjudicator."""
        with visit.transaction() as connection:
            discussion.request_adjudication(connection, item_id, visit.user, visit.now)
        return {"status": "adjudication"}

    @post("/{item_id:int}/adjudication", opt=ADJUDICATORS | NO_FINDINGS)
    def adjudicate(
        self,
        item_id: FromPath[int],
        data: JSONBody[Ruling],
        visit: NamedDependency[Visit],
        seen: NamedDependency[SeenDraft | None],
    ) -> dict[str, str]:
        """Decide an item on which its two reviewers disagree."""
        with visit.transaction() as connection:
            adjudication.adjudicate(connection, item_id, visit.user, data, visit.now, seen=seen)
        return {"status": "gold"}

    @post("/{item_id:int}/audit", opt=ADJUDICATORS | NO_FINDINGS)
    def audit(
        self,
        item_id: FromPath[int],
        data: JSONBody[Judgement],
        visit: NamedDependency[Visit],
        seen: NamedDependency[SeenDraft | None],
    ) -> dict[str, list[str]]:
        """Audit an agreed item blind; the response lists the differences."""
        with visit.transaction() as connection:
            differences = adjudication.audit(
                connection, item_id, visit.user, data, visit.now, seen=seen
            )
        return {"differences": differences}
