"""The search of stored exchanges, an exchange, and the search of one's own reviews."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, insert, select

from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Configuration, Secrets
from monitor.store.access_log import AccessFilter, list_accesses
from monitor.store.engine import transaction
from monitor.store.review.items import item_by_id
from monitor.store.tables import Decision, Exchange, ReviewAudit, ReviewBatch, TrainingRun
from monitor.store.windows.map_points import PromptMap
from monitor.store.windows.prompt_maps import save_prompt_map
from monitor.web.exchanges import exchange_pages
from monitor.web.forms.search_text import MAX_TEXT
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import FIVE
from tests.support.search.indexed import index, store
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor

LINK = re.compile(r'href="/exchanges/(\d+)"')
ITEM = re.compile(r'href="/review/(\d+)')
ACCEPT = ReviewInput(verdict="accept", **FIVE)


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    world = make_world(engine, clock, n=12)
    index(engine, clock)
    return world


@pytest.fixture
def visit(world: World, clock: datetime) -> Iterator[Callable[[str], Visitor]]:
    settings = Configuration(models={"assistant": {}})
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with TestClient(app) as client:

        def start(name: str) -> Visitor:
            client.cookies.clear()
            visitor = Visitor(client)
            assert visitor.sign_in(name).is_success
            return visitor

        yield start


@pytest.fixture
def settled(world: World, clock: datetime) -> int:
    """Return an item that two reviewers accepted."""
    items = set()
    for name in ("Ada", "Ben"):
        with transaction(world.engine) as connection:
            row = world.rows[name]
            item = REVIEWS.claim_next(connection, row.id, clock, timedelta(minutes=20))
            assert item is not None
            REVIEWS.submit(connection, item, row, ACCEPT, clock)
            items.add(item)
    return items.pop()


def listed(visitor: Visitor, query: str = "") -> list[int]:
    """Return the exchanges on a page."""
    response = visitor.get(f"/exchanges{query}")
    assert response.status_code == 200
    return [int(number) for number in LINK.findall(response.text)]


def test_lead_finds_exchanges_by_text_and_facts(
    visit: Callable[[str], Visitor], settled: int
) -> None:
    lea = visit("Lea")
    assert listed(lea) == list(range(12, 0, -1))
    assert listed(lea, "?q=bitcoin") == [12, 8, 4]
    assert listed(lea, "?q=BITCOIN&task_type=fees") == []
    assert listed(lea, "?task_type=fees&since=2026-10-26&until=2026-11-01") == [11, 7, 3]
    assert listed(lea, "?until=2026-10-25") == []
    assert "<code>refund*</code>. Exch" in lea.get("/exchanges?q=refund").text
    beginning = lea.get("/exchanges?q=refund*").text
    assert ">refund</b>." in beginning
    assert "<code>refund*</code>. Exch" not in beginning
    (accepted,) = listed(lea, "?verdict=accept")
    assert f"/review/{settled}" in lea.get(f"/exchanges/{accepted}").text
    assert listed(lea, "?verdict=reject") == []
    assert accepted not in listed(lea, "?verdict=waiting")


def test_pages_go_on_where_the_last_one_ended(
    visit: Callable[[str], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_pages, "N_LISTED", 5)
    lea = visit("Lea")
    seen: list[int] = []
    query = ""
    while True:
        page = lea.get(f"/exchanges{query}").text
        seen += [int(number) for number in LINK.findall(page)]
        older = re.search(r'href="/exchanges(\?[^"]*before=[^"]*)"', page)
        if older is None:
            break
        query = older[1].replace("&amp;", "&")
    assert seen == list(range(12, 0, -1))


#: Searches that are wrong, and what of them stays in the form.
WRONG = {
    "?q=" + 10_000 * "x": 10_000 * "x",
    "?q=%3F%21": "?!",
    "?q=%00": "",
    "?q=card&since=2026-13-45": "2026-13-45",
    "?q=card&since=2026-11-02&until=2026-11-01": "2026-11-02",
    "?q=card&verdict=perhaps": "card",
    "?q=card&metric=score&least=many": "many",
    "?q=card&metric=score&least=nan": "nan",
    "?q=card&metric=score&least=2&most=1": "2",
    "?q=card&least=2": "2",
    "?q=card&evaluation=99&topic=0": "card",
    "?q=card&evaluation=x&topic=0": "card",
    "?q=card&task_type=" + 201 * "t": 201 * "t",
}


def test_wrong_search_is_explained_and_kept(visit: Callable[[str], Visitor]) -> None:
    lea = visit("Lea")
    for query, typed in WRONG.items():
        response = lea.get(f"/exchanges{query}")
        assert response.status_code == 400, query
        assert len(re.findall('role="alert"', response.text)) == 1, query
        assert f'value="{typed}"' in response.text
        assert not LINK.findall(response.text)


def test_search_is_data_and_stays_escaped(visit: Callable[[str], Visitor]) -> None:
    lea = visit("Lea")
    for typed in ("'); DROP TABLE exchanges; --", '" OR *', "card & ! | <->", "NEAR(a b)"):
        response = lea.client.get("/exchanges", params={"q": f"{typed}<script>"})
        assert response.status_code == 200
        assert "<script>&" not in response.text
        assert "&lt;script&gt;" in response.text
    assert len(listed(lea)) == 12


def test_topic_leads_to_its_exchanges(world: World, visit: Callable[[str], Visitor]) -> None:
    ids, places = np.arange(1, 13), np.zeros((12, 2), dtype=np.float32)
    topic = np.where(ids % 4 == 0, 0, -1)
    with transaction(world.engine) as connection:
        placed = PromptMap(ids, places, topic, ids[:0], places[:0])
        save_prompt_map(connection, world.evaluation_id, placed)
    lea = visit("Lea")
    page = lea.get(f"/drift-evaluations/{world.evaluation_id}?topic=0").text
    (of_topic,) = re.findall(r'href="/exchanges(\?model=[^"]*topic=[^"]*)"', page)
    of_window, *_ = sorted(
        re.findall(r'href="/exchanges(\?model=[^"]*since=[^"]*)"', page), key=len
    )
    assert listed(lea, of_topic.replace("&amp;", "&")) == [12, 8, 4]
    assert len(listed(lea, of_window.replace("&amp;", "&"))) == 12
    assert "/exchanges" not in visit("Ada").get(f"/drift-evaluations/{world.evaluation_id}").text


def test_exchange_names_its_window_item_and_run(
    world: World, visit: Callable[[str], Visitor], settled: int, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        batch = connection.execute(select(ReviewBatch.id)).scalar_one()
        decided = {"recommendation": "retrain", "inputs": {"batches": [batch]}}
        connection.execute(
            insert(Decision).values(
                id=1, batch_id=batch, model="assistant", decided_at=clock, **decided
            )
        )
        plan = {"request": {"decision_id": 1}}  # planned again on the page
        run: dict[str, Any] = {"recipe": {}, "work_dir": "", "created_at": clock, "resumptions": 0}
        connection.execute(
            insert(TrainingRun).values(
                id=7, decision_id=1, model="assistant", status="failed", launcher="local", **run
            )
        )
        connection.execute(
            insert(TrainingRun).values(
                id=8, plan=plan, model="assistant", status="planned", launcher="local", **run
            )
        )
    lea = visit("Lea")
    (accepted,) = listed(lea, "?verdict=accept")
    page = lea.get(f"/exchanges/{accepted}").text
    for address in (
        f"/drift-evaluations/{world.evaluation_id}",
        f"/review/{settled}",
        f"/progress?batch={batch}",
        "/runs/7",
        "/runs/8",
    ):
        assert f'href="{address}"' in page, address
    other = next(id_ for id_ in listed(lea) if id_ != accepted)
    assert "/runs/7" not in lea.get(f"/exchanges/{other}").text


def test_verdict_is_hidden_while_an_audit_is_open(
    world: World, visit: Callable[[str], Visitor], settled: int, clock: datetime
) -> None:
    lea = visit("Lea")
    (accepted,) = listed(lea, "?verdict=accept")
    with transaction(world.engine) as connection:
        audit = {"item_id": settled, "revision": item_by_id(connection, settled).revision}
        connection.execute(insert(ReviewAudit).values(drawn_at=clock, **audit))
    assert listed(lea, "?verdict=accept") == []
    for path in ("/exchanges", f"/exchanges/{accepted}"):
        assert 'class="badge accept"' not in lea.get(path).text


def test_exchanges_are_for_leads(visit: Callable[[str], Visitor]) -> None:
    for name in ("Ada", "Cleo"):
        visitor = visit(name)
        for path in ("/exchanges", "/exchanges?q=card", "/exchanges/1"):
            assert visitor.get(path).status_code == 403
        assert "/exchanges" not in visitor.get("/review").text


def test_searches_and_exchanges_are_in_the_access_log(
    world: World, visit: Callable[[str], Visitor]
) -> None:
    lea = visit("Lea")
    lea.get("/exchanges?q=bitcoin")
    lea.get("/exchanges/4")
    lea.get("/submitted?q=bitcoin")
    with transaction(world.engine) as connection:
        read = list_accesses(connection, AccessFilter(action="read"), 10)
    assert [(row.kind, row.object_id, row.place) for row in read] == [
        ("submissions", "", "/submitted"),
        ("exchange", "4", "/exchanges/4"),
        ("exchange", "", "/exchanges"),
    ]


def test_page_with_new_exchanges_names_their_start(
    world: World, visit: Callable[[str], Visitor], clock: datetime
) -> None:
    lea = visit("Lea")
    assert "be searched yet: the" not in lea.get("/exchanges").text
    store(world.engine, [{"prompt": "newest"}], clock, first=99)
    assert "be searched yet: the" in lea.get("/exchanges").text
    assert listed(lea, "?q=newest") == []


def test_reviewer_searches_own_reviews_only(
    world: World, visit: Callable[[str], Visitor], settled: int
) -> None:
    with transaction(world.engine) as connection:
        prompt = connection.execute(
            select(Exchange.prompt).where(
                Exchange.id == item_by_id(connection, settled).exchange_id
            )
        ).scalar_one()
    word = max(re.findall(r"\w+", prompt), key=len)
    ada = visit("Ada")

    def items(query: str) -> list[int]:
        return [int(item) for item in ITEM.findall(ada.get(f"/submitted{query}").text)]

    assert items(f"?q={word}") == [settled]
    assert items(f"?q={word}&verdict=accept") == [settled]
    assert items(f"?q={word}&verdict=reject") == []
    assert items("?q=nosuchword") == []
    refused = ada.get("/submitted?q=%3F%21")
    assert refused.status_code == 400
    assert 'value="?!"' in refused.text
    assert ITEM.findall(visit("Cleo").get(f"/submitted?q={word}").text) == []
    assert ada.get("/submitted?q=" + (MAX_TEXT + 1) * "x").status_code == 400
