"""Pages of end users' requests: what is due, and sentences of staff that a lead decides."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import select, update

from monitor.accounts.registration import create_user
from monitor.privacy.requests.requests import decide, read_sentences
from monitor.privacy.requests.sentences import digest_of
from monitor.settings import Configuration, Secrets
from monitor.store.access_log import AccessFilter, list_accesses
from monitor.store.engine import transaction
from monitor.store.privacy.requests import insert_request, insert_sentence, update_request
from monitor.store.tables import Review, ReviewItem, StaffSentence, metadata
from tests.integration.web.access.test_access_log import visit
from tests.support.filled_tables import fill_tables
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor

RUDE = "Ann Miller is rude!"
COMMENT = f"Far away.\n\nBob was kind. {RUDE} All fine."


@pytest.fixture
def world(engine: Any, clock: datetime) -> World:
    """A request with a sentence in a review, and one in a table that leads don't read."""
    world = make_world(engine, clock, n=4)
    with transaction(engine) as connection:
        item = connection.execute(select(ReviewItem.id).limit(1)).scalar_one()
        fill_tables(connection, metadata, only={"reviews"}, n_rows=1)
        connection.execute(update(Review).values(item_id=item, comment=COMMENT))
        create_user(connection, "Yara", PASSWORD, "lead", clock, models=["other"])
    open_one(world, clock, "erasure")
    return world


@pytest.fixture
def client(world: World, clock: datetime) -> Iterator[TestClient[Any]]:
    settings = Configuration(models={"assistant": {}, "other": {}})
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def open_one(world: World, clock: datetime, kind: str) -> int:
    with transaction(world.engine) as connection:
        request = insert_request(
            connection, kind, "digest", opened_at=clock, opened_by="lea",
            due_at=clock + timedelta(days=5),
        )  # fmt: skip
        for number, table, column in ((1, "reviews", "comment"), (2, "suppressions", "reason")):
            insert_sentence(
                connection, request, number=number, table=table, key=(1,), column=column,
                digest=digest_of(RUDE), found_by="name",
            )  # fmt: skip
    return request


def comment_of(world: World) -> str:
    with transaction(world.engine) as connection:
        return str(connection.execute(select(Review.comment)).scalar_one())


def decisions(world: World) -> list[tuple[Any, ...]]:
    with transaction(world.engine) as connection:
        columns = (StaffSentence.decision, StaffSentence.reason, StaffSentence.decided_by)
        rows = connection.execute(select(*columns).order_by(StaffSentence.id)).all()
    return [tuple(row) for row in rows]


def send(visitor: Visitor, decision: str, sentence: int = 1, request: int = 1) -> Any:
    form = {"decision": decision, "reason": "nobody else"}
    return visitor.post(f"/requests/{request}/sentences/{sentence}", form)


def test_leads_see_what_is_due(client: TestClient[Any], world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        for days in (-1, 30):
            insert_request(
                connection, "erasure", "digest", opened_at=clock, opened_by="lea",
                due_at=clock + timedelta(days=days),
            )  # fmt: skip
        update_request(connection, 3, closed_at=clock)

    page = visit(client, "Lea").get("/requests").text

    links = [page.index(f'href="/requests/{number}"') for number in (2, 1)]
    assert links == sorted(links)
    assert (page.count(">overdue<"), 'href="/requests/3"' in page) == (1, False)
    assert page.count('data-label="Sentences to decide">2<') == 1
    with transaction(world.engine) as connection:
        connection.execute(update(Review).values(comment=""))
    assert 'data-label="Sentences to decide">1<' in visit(client, "Lea").get("/requests").text
    ada = visit(client, "Ada")
    assert [ada.get(path).status_code for path in ("/requests", "/requests/1")] == [403, 403]


def test_sentence_stands_in_its_paragraph_and_is_logged(
    client: TestClient[Any], world: World
) -> None:
    lea = visit(client, "Lea")

    page = lea.get("/requests/1").text

    assert f"Bob was kind. <mark>{RUDE}</mark> All fine." in page
    assert "Far away" not in page
    assert page.count('name="decision"') == 2
    assert "driftwarden forget --subject ID" in page
    assert "Not shown: 1 sentence " in page
    with transaction(world.engine) as connection:
        (read,) = list_accesses(connection, AccessFilter(action="read"), 10)
    assert (read.actor, read.kind, read.object_id) == ("Lea", "request", "1")
    assert lea.get("/requests/99").status_code == 404


def test_page_erases_as_the_command_does(client: TestClient[Any], world: World) -> None:
    lea = visit(client, "Lea")

    assert send(lea, "erase").status_code == 303

    assert comment_of(world) == "Far away.\n\nBob was kind. [erased]! All fine."
    assert decisions(world) == [("erase", "nobody else", "Lea"), ("", "", "")]
    path = Path(str(world.engine.url.database))
    assert path.with_name(f"{path.name}-wal").read_bytes() == b""
    assert b"is rude" not in path.read_bytes()


def test_lead_of_another_model_neither_sees_nor_decides(
    client: TestClient[Any], world: World
) -> None:
    yara = visit(client, "Yara")

    page = yara.get("/requests/1")

    assert (page.status_code, "is rude" in page.text) == (200, False)
    assert "Not shown: 2 sentences " in page.text
    assert [send(yara, "keep", sentence).status_code for sentence in (1, 2, 99)] == [404] * 3
    assert decisions(world) == [("", "", "")] * 2


def test_sentence_of_another_table_is_decided_by_command_only(
    client: TestClient[Any], world: World
) -> None:
    assert send(visit(client, "Lea"), "keep", 2).status_code == 404
    assert decisions(world) == [("", "", "")] * 2


def test_decision_leaves_places_that_the_lead_does_not_read(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        connection.execute(update(StaffSentence).values(number=1))
        fill_tables(connection, metadata, only={"suppressions"}, n_rows=1)
        connection.execute(update(metadata.tables["suppressions"]).values(reason=RUDE))
    lea = visit(client, "Lea")
    assert lea.get("/requests/1").text.count('name="reason"') == 1

    assert send(lea, "keep").status_code == 303

    assert decisions(world) == [("keep", "nobody else", "Lea"), ("", "", "")]
    assert "Not shown: 1 sentence " in lea.get("/requests/1").text
    decide(world.engine, 1, [1], "keep", reason="why", by="Cleo", now=clock)
    assert [decision for decision, *_ in decisions(world)] == ["keep", "keep"]


def test_decided_or_changed_sentence_keeps_the_typed_reason(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    lea = visit(client, "Lea")
    with transaction(world.engine) as connection:
        connection.execute(update(Review).values(comment="Ann was rude."))
    changed = send(lea, "erase")
    assert (changed.status_code, changed.text.count("nobody else")) == (409, 1)
    with transaction(world.engine) as connection:
        connection.execute(update(Review).values(comment=COMMENT))
    decide(world.engine, 1, [1], "keep", reason="why", by="Cleo", now=clock)

    decided = send(lea, "erase")

    assert (decided.status_code, "decided by Cleo" in decided.text) == (409, True)
    assert "nobody else" in decided.text
    assert comment_of(world) == COMMENT
    assert decisions(world)[0] == ("keep", "why", "Cleo")


def test_decision_must_fit_the_kind_and_have_a_reason(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    lea = visit(client, "Lea")
    assert open_one(world, clock, "access") == 2

    for decision, request, sentence in (("include", 1, 1), ("erase", 2, 1), ("", 1, 1)):
        refused = send(lea, decision, sentence, request)
        assert (refused.status_code, ">nobody else</textarea>" in refused.text) == (400, True)
    assert send(lea, "keep", 3, 1).status_code == 404
    unreasoned = lea.post("/requests/1/sentences/1", {"decision": "keep", "reason": " "})
    assert unreasoned.status_code == 400
    assert {decision for decision, *_ in decisions(world)} == {""}
    assert send(lea, "include", 1, 2).status_code == 303
    with transaction(world.engine) as connection:
        assert [sentence.state for sentence in read_sentences(connection, 2)] == ["include", "gone"]


def test_closed_request_takes_no_decision(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        update_request(connection, 1, closed_at=clock, closed_by="Cleo", close_reason="withdrawn")
    lea = visit(client, "Lea")

    assert send(lea, "keep").status_code == 409
    page = lea.get("/requests/1").text
    assert ("withdrawn" in page, 'name="decision"' in page) == (True, False)
    assert (">to do<" in page, "driftwarden forget" in page) == (False, False)
