"""API: items after both reviews."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import Engine

from monitor.review.items import adjudication, discussion
from monitor.review.items.adjudication import Ruling
from monitor.review.items.discussion import DiscussionMessage
from monitor.review.items.verdicts import Judgement
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.web.clock import Clock


class ResolutionController(Controller):
    """Discussion, resolution, escalation, adjudication and audit of items."""

    path = "/items"

    @post("/{item_id:int}/messages", status_code=200, sync_to_thread=True)
    def write(
        self,
        item_id: FromPath[int],
        data: JSONBody[DiscussionMessage],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Send a message to the other reviewer of a disagreed item."""
        with transaction(engine) as connection:
            discussion.write_message(connection, item_id, user, data.text, clock())
        return {"status": "written"}

    @post("/{item_id:int}/resolution", status_code=200, sync_to_thread=True)
    def resolve(
        self,
        item_id: FromPath[int],
        data: JSONBody[Judgement],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Propose a resolution; the item becomes gold once both reviewers propose the same."""
        with transaction(engine) as connection:
            status = discussion.submit_proposal(connection, item_id, user, data, clock())
        return {"status": status}

    @post("/{item_id:int}/escalation", status_code=200, sync_to_thread=True)
    def escalate(
        self,
        item_id: FromPath[int],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """End the discussion and pass the item to an adjudicator."""
        with transaction(engine) as connection:
            discussion.request_adjudication(connection, item_id, user, clock())
        return {"status": "adjudication"}

    @post("/{item_id:int}/adjudication", status_code=200, sync_to_thread=True)
    def adjudicate(
        self,
        item_id: FromPath[int],
        data: JSONBody[Ruling],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, str]:
        """Decide an item on which its two reviewers disagree."""
        with transaction(engine) as connection:
            adjudication.adjudicate(connection, item_id, user, data, clock())
        return {"status": "gold"}

    @post("/{item_id:int}/audit", status_code=200, sync_to_thread=True)
    def audit(
        self,
        item_id: FromPath[int],
        data: JSONBody[Judgement],
        user: NamedDependency[UserRow],
        engine: NamedDependency[Engine],
        clock: NamedDependency[Clock],
    ) -> dict[str, list[str]]:
        """Audit an agreed item blind; the response lists the differences."""
        with transaction(engine) as connection:
            differences = adjudication.audit(connection, item_id, user, data, clock())
        return {"differences": differences}
