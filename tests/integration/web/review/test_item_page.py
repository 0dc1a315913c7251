"""The page of an item: who opens it, the mark of a cut text, and the version of its guidelines."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, select, update

from monitor.errors import NotFoundError
from monitor.review.guidelines import parse_taxonomy
from monitor.review.guidelines.versions import publish_taxonomy
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.discussion import write_message
from monitor.review.items.flags import flag
from monitor.review.items.giving import give_items
from monitor.settings import Review, Secrets, Settings
from monitor.store.accounts.users import user_by_id
from monitor.store.engine import transaction
from monitor.store.review.items import items_of_batches, update_item
from monitor.store.tables import Exchange, ReviewItem
from tests.integration.web.test_foreign_ids import everything, knock
from tests.support.review.gold_items import ACCEPT, TAXONOMY
from tests.support.review.review_world import World, make_world
from tests.support.review.roles import give_role
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor, routes

LEASE = timedelta(minutes=20)
OTHER = TAXONOMY.replace("Blocking comes first.", "Blocking comes second.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "taxonomy.md"
    path.write_text(TAXONOMY)
    return Settings(review=Review(taxonomy=str(path)))


@pytest.fixture
def world(engine: Engine, clock: datetime, settings: Settings) -> World:
    return make_world(engine, clock, n=6, review=settings.review)


@pytest.fixture
def client(world: World, settings: Settings, clock: datetime) -> Iterator[TestClient[Any]]:
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def visit(client: TestClient[Any], name: str) -> Visitor:
    client.cookies.clear()
    visitor = Visitor(client)
    assert visitor.sign_in(name).status_code == 200
    return visitor


def give(world: World, name: str, clock: datetime) -> int:
    with transaction(world.engine) as connection:
        item = items_of_batches(connection, [world.batch_id])[-1]
        until = clock + timedelta(days=7)
        give_items(connection, [item], [world.rows[name]], until=until, by="Lea", now=clock)
    return item.id


def review(world: World, clock: datetime, *names: str) -> int:
    item = 0
    with transaction(world.engine) as connection:
        for name in names:
            user = world.rows[name]
            item = REVIEWS.claim_next(connection, user.id, clock, LEASE) or 0
            REVIEWS.submit(connection, item, user, ACCEPT, clock, undoable=True)
    return item


@pytest.mark.parametrize(("name", "status"), [("Ada", "queued"), ("Cleo", "gold")])
def test_given_item_is_opened_by_claiming_it_alone(
    client: TestClient[Any], world: World, clock: datetime, name: str, status: str
) -> None:
    item = give(world, name, clock)
    with transaction(world.engine) as connection:
        update_item(connection, item, status=status)
    visitor = visit(client, name)
    before = everything(world.engine)
    of_items = [route for route in routes(client.app) if "item_id" in route.parameters]
    assert len(of_items) > 12
    for route in of_items:
        assert knock(visitor, route, {"item_id": item}).status_code in {403, 404}, route
    assert everything(world.engine) == before
    claimed = visitor.post("/review").headers["location"]
    assert (claimed == f"/review/{item}") == (status == "queued")
    assert visitor.get(claimed).status_code == 200


def test_item_of_a_role_that_ended_is_not_flagged(world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        item = REVIEWS.claim_next(connection, world.users["Ada"], clock, LEASE)
        assert item is not None
        give_role(connection, world.users["Ada"], "reviewer", ["another_type"])
    with transaction(world.engine) as connection:
        ada = user_by_id(connection, world.users["Ada"])
        assert ada is not None
        with pytest.raises(NotFoundError):
            flag(connection, item, ada, clock, "personal data")


def test_flag_tells_nobody_of_the_other_review(world: World, clock: datetime) -> None:
    for names in (("Ada",), ("Ada", "Ben")):
        item = review(world, clock, *names)
        with transaction(world.engine) as connection:
            flag(connection, item, world.rows["Lea"], clock, "personal data")
            with pytest.raises(NotFoundError):
                write_message(connection, item, world.rows["Ada"], "Hello", clock)


def test_cut_text_is_marked_on_the_item(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    ada = visit(client, "Ada")
    page = ada.post("/review").headers["location"]
    assert "Text cut" not in ada.get(page).text
    with transaction(world.engine) as connection:
        item = int(page.rsplit("/", 1)[1])
        exchange = select(ReviewItem.exchange_id).where(ReviewItem.id == item).scalar_subquery()
        cut = update(Exchange).where(Exchange.id == exchange)
        connection.execute(cut.values(truncated=True))
    assert re.search(r'<span class="badge warn"[^>]*>Text cut</span>', ada.get(page).text)


def test_item_names_the_version_of_its_guidelines(
    client: TestClient[Any], world: World, settings: Settings, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        connection.execute(update(ReviewItem).values(task_type="card_lost"))
    ada = visit(client, "Ada")
    begun = ada.post("/review").headers["location"]
    with transaction(world.engine) as connection:
        publish_taxonomy(
            connection, settings.review, "assistant", parse_taxonomy(OTHER, "guidelines")[0], OTHER,
            source="page", by="Lea", now=clock,
        )  # fmt: skip
        item = int(begun.rsplit("/", 1)[1])
        assert REVIEWS.claim_next(connection, world.users["Ben"], clock, LEASE) == item
        REVIEWS.decline(connection, item, world.rows["Ben"], clock, "not mine")
    old = visit(client, "Ada").get(begun).text
    ben = visit(client, "Ben")
    new = ben.get(ben.post("/review").headers["location"]).text
    assert "Blocking comes first." in old
    assert "Blocking comes second." in new
    versions = [
        re.findall(r"ersion (\d+)\b", page.split('class="version"')[1].split("</p>")[0])
        for page in (old, new)
    ]
    assert versions == [["1", "2"], ["2"]]
