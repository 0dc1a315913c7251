"""Progress: figures of a batch, of the pool that a decision counts, and of all batches, apart."""

import re
from datetime import datetime

from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.review.items.flags import flag
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.items import items_of_batches
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import JUDGEMENT, RIGHT, settle
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in


def region(page: str, label: str) -> str:
    """Return the table of a label."""
    return page.split(f'aria-label="{label}"')[1].split("</table>", maxsplit=1)[0]


def read(world: World, clock: datetime) -> str:
    app = create_app(world.engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, "Lea")
        return client.get("/progress").text


def test_a_row_is_of_the_batch_or_of_the_pool(engine: Engine, clock: datetime) -> None:
    newest = make_world(engine, clock)
    older = make_world(engine, clock, weeks_ago=1, users=False)
    reviewers = (newest.users["Ada"], newest.users["Ben"])
    with transaction(engine) as connection:
        for batch_id, outcome in ((newest.batch_id, RIGHT), (older.batch_id, JUDGEMENT)):
            settle(connection, batch_id, reviewers, lambda *_, entry=outcome: entry, clock)
        n_items = {
            batch_id: len(items_of_batches(connection, [batch_id]))
            for batch_id in (newest.batch_id, older.batch_id)
        }
        flagged = items_of_batches(connection, [older.batch_id])[0].id
        flag(connection, flagged, newest.rows["Lea"], clock, "Out of scope")
    page = read(newest, clock)

    of_batch = region(page, "Task types of the batch")
    assert "%" not in of_batch
    settled = [int(n) for n, _ in re.findall(r"(\d+) of (\d+)</td>", of_batch)]
    assert sum(settled) == n_items[newest.batch_id]

    of_pool = region(page, "Error rate and agreement by task type")
    rated = [int(n) for n in re.findall(r"<small>of (\d+)</small>", of_pool)]
    assert sum(rated) == sum(n_items.values()), "all items that the pool compares"
    assert page.count("pooled over 2 batches") == 2

    work = page.split('id="waits"')[1].split("</section>")[0]
    own, every = work.split("All batches of")
    assert f"Item {flagged}" not in own
    assert f"Item {flagged}" in every
    assert "audit" not in own


def test_a_batch_alone_is_named_so(engine: Engine, clock: datetime) -> None:
    world = make_world(engine, clock)
    assert "no earlier one counts" in read(world, clock)
