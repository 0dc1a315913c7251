"""Index and search of stored exchanges, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from monitor.daemon import search_index
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.privacy.deletion import delete_exchanges
from monitor.store.search import query
from monitor.store.search.index import SETTLED_AFTER, unindexed_since
from monitor.store.search.query import Criteria, Found, find_exchanges
from monitor.store.tables import Exchange, ExchangeTerms, SearchProgress
from tests.support.search.indexed import index, store

ROWS: list[dict[str, Any]] = [
    {"prompt": "My card was stolen", "task_type": "cards", "attributes": {"score": 0.2}},
    {"prompt": "Refunds of the card fee", "task_type": "fees", "attributes": {"score": 0.9}},
    {"prompt": "我的银行卡丢了", "task_type": "cards", "attributes": {"model_version": "v7"}},
    {"prompt": "บัตรของฉันหาย", "response": "card 'blocked' & closed", "attributes": {"score": True}},
    {"prompt": "nothing", "model": "other"},
]


def find(engine: Engine, *, limit: int = 50, before: Any = None, **wanted: Any) -> Found:
    with transaction(engine) as connection:
        criteria = Criteria(**{"model": "assistant", **wanted})
        return find_exchanges(connection, criteria, before=before, limit=limit)


@pytest.fixture
def filled(any_engine: Engine, clock: datetime) -> Engine:
    store(any_engine, ROWS, clock)
    index(any_engine, clock)
    return any_engine


#: What is searched for, and the exchanges that are found.
CASES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [4, 3, 2, 1]),
    ({"model": "other"}, [5]),
    ({"text": "CARD"}, [4, 2, 1]),
    ({"text": "card stolen"}, [1]),
    ({"text": "refund"}, []),
    ({"text": "refund*"}, [2]),
    ({"text": "银行"}, [3]),
    ({"text": "行银"}, []),
    ({"text": "卡"}, [3]),
    ({"text": "บัตร"}, [4]),
    ({"text": "stolen OR fee"}, []),
    ({"text": "card | ! : * ' ) NOT NEAR( \" --"}, []),
    ({"text": "'blocked' & \"closed\""}, [4]),
    ({"task_type": "cards"}, [3, 1]),
    ({"text": "card", "task_type": "cards"}, [1]),
    ({"version": "v7"}, [3]),
    ({"version": "7"}, [3]),
    ({"version": "07"}, []),
    ({"metric": "score", "least": 0.5}, [4, 2]),
    ({"metric": "score", "least": 0.2, "most": 0.2}, [1]),
    ({"metric": "score", "least": 0.21, "most": 0.22}, []),
    ({"text": "card", "metric": "score", "most": 0.95}, [2, 1]),
    ({"ids": [1, 3, 99]}, [3, 1]),
    ({"verdict": "accept"}, []),
]


def test_search_finds_what_has_all_wanted(filled: Engine) -> None:
    results = [(wanted, find(filled, **wanted).ids) for wanted, _ in CASES]
    assert results == CASES


def test_search_is_bounded_by_times(filled: Engine, clock: datetime) -> None:
    after, before = clock + timedelta(minutes=1), clock + timedelta(minutes=3)
    assert find(filled, since=after, until=before).ids == [3, 2]


@pytest.mark.parametrize("max_sorted", [2, 5_000])
@pytest.mark.parametrize("wanted", [{"text": "same"}, {}, {"metric": "n", "least": 0.0}])
def test_pages_of_frequent_and_rare_words_are_complete(
    any_engine: Engine,
    clock: datetime,
    monkeypatch: pytest.MonkeyPatch,
    wanted: dict[str, Any],
    max_sorted: int,
) -> None:
    monkeypatch.setattr(query, "MAX_SORTED", max_sorted)
    monkeypatch.setattr(query, "CANDIDATES", 3)
    rows = [
        {"prompt": "same", "attributes": {"n": n % 2 - 1}, "occurred_at": clock} for n in range(9)
    ]
    store(any_engine, rows, clock)
    index(any_engine, clock)
    expected = [9, 8, 7, 6, 5, 4, 3, 2, 1] if "metric" not in wanted else [8, 6, 4, 2]
    ids: list[int] = []
    before = None
    for _ in range(9):
        page = find(any_engine, limit=2, before=before, **wanted)
        ids += page.ids
        before = page.position
        if before is None:
            break
    assert ids == expected


def test_new_exchanges_are_named_until_indexed(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, ROWS[:1], clock)
    with transaction(any_engine) as connection:
        assert unindexed_since(connection) == clock
    index(any_engine, clock)
    store(any_engine, ROWS[1:2], clock + timedelta(minutes=5), first=1)
    assert find(any_engine).ids == [1]
    with transaction(any_engine) as connection:
        assert unindexed_since(connection) == clock + timedelta(minutes=5)


def test_each_exchange_is_indexed_once_in_small_steps(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "ROWS_AT_ONCE", 2)
    store(any_engine, ROWS, clock)
    for minutes in (0, 1, 11, 22, 33):
        index(any_engine, clock + timedelta(minutes=minutes))
    with transaction(any_engine) as connection:
        assert connection.execute(select(func.count()).select_from(ExchangeTerms)).scalar() == 5
        progress = connection.execute(select(SearchProgress)).one()
    assert (progress.settled_id, progress.next_id) == (5, 5)


def test_ids_that_are_given_again_are_indexed_again(any_engine: Engine, clock: datetime) -> None:
    store(any_engine, ROWS[:2], clock)
    for minutes in (0, 11, 22):
        index(any_engine, clock + timedelta(minutes=minutes))
    with transaction(any_engine) as connection:
        delete_exchanges(connection, [2])
    assert find(any_engine, text="refunds").ids == []
    later = clock + 3 * SETTLED_AFTER
    store(any_engine, [{"prompt": "again"}], later, first=7)
    index(any_engine, later)
    with transaction(any_engine) as connection:
        new = connection.execute(select(func.max(Exchange.id))).scalar_one()
    assert find(any_engine, text="again").ids == [new]


def test_renamed_model_keeps_its_index(filled: Engine, clock: datetime) -> None:
    with transaction(filled) as connection:
        carry_over(connection, "assistant", "helper", clock)
    assert find(filled, model="helper", text="stolen").ids == [1]


def test_search_leaves_the_planner_as_it_was(filled: Engine) -> None:
    if filled.dialect.name != "postgresql":
        pytest.skip("SQLite has no such settings")
    names = ("enable_seqscan", "enable_bitmapscan", "enable_indexscan")
    with transaction(filled) as connection:
        for text in ("card", ""):
            criteria = Criteria(model="assistant", text=text)
            find_exchanges(connection, criteria, before=None, limit=1)
        settings = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
    assert settings == ["on", "on", "on"]
