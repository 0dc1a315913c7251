"""The page of a user's own submissions: state, blindness, paging and the work of other users."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, select, update

from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.discussion import request_adjudication
from monitor.review.items.flags import flag
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Configuration, Secrets
from monitor.store.accounts.grants import delete_grants
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.tables import Review, ReviewItem
from monitor.web.review import submitted_page
from tests.support.review.review_world import World, make_world
from tests.support.review.roles import give_role
from tests.support.review.settled_items import FIVE
from tests.support.search.indexed import index
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor

ACCEPT = ReviewInput(verdict="accept", **FIVE)
REJECT = ReviewInput(
    verdict="reject", error_kind="unsafe", answerable="yes", corrected_response="PEERTEXT",
    comment="PEERCOMMENT", **FIVE,
)  # fmt: skip
ROW = re.compile(r'<a href="/review/(\d+)[^"]*" dir="ltr">[^<]+</a>(.*?)</tr>', re.DOTALL)


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=12)


@pytest.fixture
def visit(world: World, clock: datetime) -> Iterator[Callable[[str], Visitor]]:
    settings = Configuration(models={"assistant": {}, "other": {}})
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with ExitStack() as stack:
        client = stack.enter_context(TestClient(app))

        def start(name: str) -> Visitor:
            client.cookies.clear()
            visitor = Visitor(client)
            assert visitor.sign_in(name).is_success
            return visitor

        yield start


@pytest.fixture
def submit(world: World, clock: datetime) -> Callable[..., int]:
    """Return a function that claims and submits as one user after the other."""

    def act(*reviews: tuple[str, ReviewInput]) -> int:
        items = set()
        for name, review in reviews:
            with transaction(world.engine) as connection:
                row = world.rows[name]
                item = REVIEWS.claim_next(connection, row.id, clock, timedelta(minutes=20))
                assert item is not None
                REVIEWS.submit(connection, item, row, review, clock)
                items.add(item)
        assert len(items) == 1
        return items.pop()

    return act


def listed(visitor: Visitor, path: str = "/submitted") -> dict[int, list[str]]:
    """Return the cells of each listed item."""
    response = visitor.get(path)
    assert response.status_code == 200
    return {
        int(item): [re.sub(r"<[^>]+>", "", cell).strip() for cell in row.split("<td")[1:]]
        for item, row in ROW.findall(response.text)
    }


def test_own_submissions_are_listed_with_their_state(
    world: World, clock: datetime, visit: Callable[[str], Visitor], submit: Callable[..., int]
) -> None:
    settled = submit(("Ada", ACCEPT), ("Ben", ACCEPT))
    escalated = submit(("Ada", ACCEPT), ("Ben", REJECT))
    talked = submit(("Ada", ACCEPT), ("Ben", REJECT))
    flagged = submit(("Ada", ACCEPT))
    with transaction(world.engine) as connection:
        request_adjudication(connection, escalated, world.rows["Ada"], clock)
        flag(connection, flagged, world.rows["Lea"], clock, "SECRETREASON")
    of_ben = submit(("Ben", REJECT))
    ada = visit("Ada")
    assert {
        settled: "gold", escalated: "adjudication", talked: "disagreed", flagged: "flagged",
    } == {
        item: next(name for name, label in submitted_page.STATES.items() if label in text)
        for item, cells in listed(ada).items() for text in [" ".join(cells)]
    }  # fmt: skip
    assert [flagged, talked, escalated, settled] == list(listed(ada)), "the newest first"
    assert of_ben not in listed(ada)
    page = ada.get("/submitted").text
    assert not re.search("PEER|SECRET|Ben", page)
    for item in listed(ada):
        assert ada.get(f"/review/{item}").status_code == 200
    assert listed(visit("Cleo")) == {}, "nobody else's"


def test_outcomes_wait_until_reviews_are_done(
    world: World, visit: Callable[[str], Visitor], submit: Callable[..., int]
) -> None:
    item = submit(("Ada", REJECT), ("Ben", REJECT))
    (cells,) = listed(visit("Ada")).values()
    assert " ".join(cells).count("Reject") == 1, "one's own, not the outcome"
    with transaction(world.engine) as connection:
        rest = update(ReviewItem).where(ReviewItem.id != item)
        connection.execute(rest.values(status="excluded"))
    (cells,) = listed(visit("Ada")).values()
    assert " ".join(cells).count("Reject") == 2
    with transaction(world.engine) as connection:
        connection.execute(update(ReviewItem).where(ReviewItem.id == item).values(status="flagged"))
    (cells,) = listed(visit("Ada")).values()
    assert " ".join(cells).count("Reject") == 1, "it is not settled any more"


def test_notice_names_models_with_withheld_outcomes(
    world: World, clock: datetime, visit: Callable[[str], Visitor], submit: Callable[..., int]
) -> None:
    submit(("Ada", ACCEPT), ("Ben", ACCEPT))
    with transaction(world.engine) as connection:
        waits = update(ReviewItem).where(ReviewItem.status == "queued")
        connection.execute(waits.values(status="excluded"))
        assert carry_over(connection, "assistant", "other", clock)
    make_world(world.engine, clock, n=4, weeks_ago=1, users=False)
    submit(("Ada", ACCEPT))
    ada, notice = visit("Ada"), "items of assistant wait"
    assert notice in ada.get("/submitted").text
    assert notice in ada.get("/submitted?model=assistant").text
    assert notice not in ada.get("/submitted?model=other").text, "nothing is withheld there"
    assert len(listed(ada, "/submitted?model=other")) == 1


def test_a_peers_work_changes_nothing_on_the_page(
    world: World, clock: datetime, visit: Callable[[str], Visitor], submit: Callable[..., int]
) -> None:
    item = submit(("Ada", ACCEPT))
    before = listed(visit("Ada"))
    with transaction(world.engine) as connection:
        ben = world.rows["Ben"]
        lease = timedelta(minutes=20)
        assert item == REVIEWS.claim_next(connection, ben.id, clock, lease)
        REVIEWS.save_draft(connection, item, ben, {"comment": "x"}, now=clock, lease=lease)
    assert before == listed(visit("Ada"))


def test_a_search_says_what_is_not_indexed(
    world: World, clock: datetime, visit: Callable[[str], Visitor], submit: Callable[..., int]
) -> None:
    submit(("Ada", ACCEPT))
    ada = visit("Ada")
    assert 'id="unindexed"' not in ada.get("/submitted").text
    assert 'id="unindexed"' in ada.get("/submitted?q=card").text
    index(world.engine, clock)
    assert 'id="unindexed"' not in ada.get("/submitted?q=card").text


def test_pages_of_submissions_follow_each_other(
    world: World,
    visit: Callable[[str], Visitor],
    submit: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(submitted_page, "N_LISTED", 2)
    items = [submit(("Ada", ACCEPT)) for _ in range(5)]
    ada = visit("Ada")
    seen: list[int] = []
    path: Any = "/submitted"
    for _ in range(3):
        seen += listed(ada, path)
        link = re.search(r'href="(/submitted\?before=[^"]+)"', ada.get(path).text)
        path = link and link[1].replace("&amp;", "&")
    assert (seen, path) == (items[::-1], None)
    assert listed(ada, "/submitted?before=1") == {}
    for before in ("junk", "-1", "9" * 40, "1 OR 1=1"):
        assert items[:2:-1] == list(listed(ada, f"/submitted?before={before}"))


def test_models_and_task_types_without_a_role_are_left_out(
    world: World, clock: datetime, visit: Callable[[str], Visitor], submit: Callable[..., int]
) -> None:
    items = [submit(("Ada", ACCEPT)) for _ in range(8)]
    with transaction(world.engine) as connection:
        types = select(ReviewItem.id, ReviewItem.task_type).join(
            Review, Review.item_id == ReviewItem.id
        )
        fees = {row.id for row in connection.execute(types) if row.task_type == "fees"}
        give_role(connection, world.users["Ada"], "reviewer", ["fees"])
    assert 0 < len(fees) < len(items)
    ada = visit("Ada")
    assert fees == set(listed(ada)) == set(listed(ada, "/submitted?model=assistant"))
    assert listed(ada, "/submitted?model=other") == {}
    with transaction(world.engine) as connection:
        assert carry_over(connection, "assistant", "other", clock)
        delete_grants(connection, world.users["Ada"], ["*"])
        give_role(connection, world.users["Ada"], "reviewer", model="assistant")
    assert listed(visit("Ada")) == {}
