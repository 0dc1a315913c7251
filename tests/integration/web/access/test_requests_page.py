"""The page of end users' requests: for leads, without words."""

from datetime import datetime, timedelta
from typing import Any

from litestar.testing import TestClient

from monitor.store.engine import transaction
from monitor.store.privacy.requests import insert_request, insert_sentence, update_request
from tests.integration.web.access.test_access_log import app, client, visit  # noqa: F401
from tests.integration.web.access.test_task_types_of_others import world  # noqa: F401
from tests.support.review.review_world import World


def test_leads_see_what_is_due(
    client: TestClient[Any],  # noqa: F811
    world: World,  # noqa: F811
    clock: datetime,
) -> None:
    with transaction(world.engine) as connection:
        for days in (30, -1, 5):
            request_id = insert_request(
                connection, "erasure", "digest", opened_at=clock, opened_by="lea",
                due_at=clock + timedelta(days=days),
            )  # fmt: skip
            insert_sentence(
                connection, request_id, table="reviews", key=(1,), column="comment", digest="x",
                found_by="name",
            )  # fmt: skip
        update_request(connection, 3, closed_at=clock)

    page = visit(client, "Lea").get("/requests").text

    commands = [page.index(f"driftwarden requests show {number}<") for number in (2, 1)]
    assert commands == sorted(commands)
    assert (page.count(">overdue<"), "requests show 3" in page) == (1, False)
    assert visit(client, "Ada").get("/requests").status_code == 403
