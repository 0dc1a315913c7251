"""Latency of the review page with 100,000 items, for reviewers who accept one after another."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import numpy as np
from sqlalchemy import (
    JSON,
    Connection,
    Engine,
    func,
    insert,
    literal,
    select,
    text,
    true,
    update,
)

from bench.review.page_server import Served
from bench.services.postgres import PostgresServer
from monitor.accounts.registration import create_user
from monitor.store.engine import make_engine, transaction
from monitor.store.review.items import insert_batch
from monitor.store.tables import (
    Exchange,
    GoldExample,
    Review,
    ReviewAssignment,
    ReviewItem,
    metadata,
)
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.windows.claims import claim_drift_evaluation

PASSWORD = "correct horse battery"
USERS = ("Ada", "Ben", "Cem", "Dora")
FIVES = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
N_BATCHES = 1000
#: Of the batches: decided, and half reviewed; the rest waits.
DECIDED_SHARE, HALF_SHARE = 0.6, 0.2


@dataclass(frozen=True)
class Timing:
    """Seconds of each accept-and-next, and of the bare requests made beside them."""

    ours: list[float]
    bare: list[float]
    #: Processor seconds of the page's server for each item, which other work on the machine
    #: hardly changes.
    processor: float


@contextmanager
def desk(n_items: int) -> Iterator[str]:
    """Lend the URL of a database with so many items."""
    server = PostgresServer()
    server.start()
    try:
        engine = make_engine(server.url)
        metadata.create_all(engine)
        _fill(engine, n_items)
        engine.dispose()
        yield server.url
    finally:
        server.remove()


class Reviewer:
    """A reviewer's browser: keeps cookies, sends the CSRF token, accepts every item."""

    def __init__(self, url: str, name: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=30)
        match = re.search(r'csrf-token" content="([^"]+)"', self.client.get("/login").text)
        if match is None:
            raise RuntimeError("the page has no token")
        self.client.headers["x-csrftoken"] = match[1]
        self._post("/api/login", {"name": name, "password": PASSWORD})
        self.item = self._claim()

    def accept_and_next(self) -> None:
        """Submit with a claim, and load the next page, as the page's script does."""
        review = {"verdict": "accept", **FIVES}
        self.item = int(self._post(f"/api/items/{self.item}/review?claims=true", review)["next"])
        self.client.get(f"/review/{self.item}").raise_for_status()

    def _claim(self) -> int:
        return int(self._post("/api/items/claim", {})["item"])

    def _post(self, path: str, body: dict[str, object]) -> dict[str, int]:
        response = self.client.post(path, json=body)
        response.raise_for_status()
        content: dict[str, int] = response.json()
        return content


def measure(ours: Served, bare: Served, rounds: int, n_users: int) -> Timing:
    """Let users review concurrently, each with as many requests to the bare route in between.

    Args:
        ours: The review page.
        bare: The bare route.
        rounds: Items of each reviewer; the first tenth warms up and isn't counted.
        n_users: At most four.
    """
    seconds_ours: list[float] = []
    seconds_bare: list[float] = []

    def work(name: str) -> None:
        reviewer = Reviewer(ours.url, name)
        with httpx.Client(base_url=bare.url, timeout=30) as client:
            for number in range(rounds):
                begun = time.perf_counter()
                reviewer.accept_and_next()
                middle = time.perf_counter()
                for method in ("POST", "POST", "GET"):
                    client.request(method, "/").raise_for_status()
                ended = time.perf_counter()
                if number >= rounds / 10:
                    seconds_ours.append(middle - begun)
                    seconds_bare.append(ended - middle)
        reviewer.client.close()

    before = _processor_seconds(ours.process_id)
    threads = [Thread(target=work, args=(name,)) for name in USERS[:n_users]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = _processor_seconds(ours.process_id) - before
    return Timing(seconds_ours, seconds_bare, spent / (rounds * n_users))


def _processor_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _fill(engine: Engine, n_items: int) -> None:
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        for name in USERS:
            create_user(connection, name, PASSWORD, "reviewer", now)
        earlier = [
            create_user(connection, f"Earlier {number}", PASSWORD, "reviewer", now)
            for number in range(2)
        ]
        _add_exchanges(connection, n_items // N_BATCHES, now)
        batches = []
        for number in range(N_BATCHES):
            start = now - timedelta(weeks=N_BATCHES - number)
            claim = claim_drift_evaluation(
                connection, "assistant", start, start + timedelta(weeks=1), seed=1, now=now
            )
            if claim is None:
                raise RuntimeError("the window is taken")
            batches.append(insert_batch(connection, claim.evaluation_id, "assistant", [], now))
        _add_items(connection, batches[0])
        decided = batches[: round(N_BATCHES * DECIDED_SHARE)]
        half = batches[len(decided) : round(N_BATCHES * (DECIDED_SHARE + HALF_SHARE))]
        for number, reviewer in enumerate(earlier):
            _add_reviews(connection, decided if number else [*decided, *half], reviewer, now)
        _add_gold(connection, decided, now)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _add_exchanges(connection: Connection, n: int, now: datetime) -> None:
    """Write a batch's exchanges and copy them for the other batches, numbered by partition."""
    sentence = "the card was charged twice and the transfer is still pending since monday "
    rows: list[dict[str, Any]] = [
        {
            "source": "bench",
            "partition": 0,
            "offset": index,
            "exchange_id": f"x{index}",
            "occurred_at": now,
            "received_at": now,
            "model": "assistant",
            "task_type": ("cards", "fees", "transfers")[index % 3],
            "end_user": f"u{index % 500}",
            "messages": [{"role": "user", "content": f"{index} {8 * sentence}"}],
            "prompt": f"{index} {8 * sentence}",
            "response": 15 * sentence,
            "attributes": {},
            "inclusion_probability": 0.05,
        }
        for index in range(n)
    ]
    vectors = np.zeros((n, 4), dtype=np.float16)
    exchanges = Exchanges.from_rows(
        rows, prompt_vectors=vectors, response_vectors=vectors, encoder="bench"
    )
    insert_exchanges(connection, exchanges, created_at=now)
    copies = select(func.generate_series(1, N_BATCHES - 1).label("number")).subquery()
    columns = [column for column in Exchange.__table__.columns if column.name != "id"]
    copied = [copies.c.number if column.name == "partition" else column for column in columns]
    connection.execute(
        insert(Exchange).from_select(
            [column.name for column in columns], select(*copied).join(copies, true())
        )
    )


def _add_items(connection: Connection, first_batch: int) -> None:
    facts = {
        "batch_id": Exchange.partition + first_batch,
        "exchange_id": Exchange.id,
        "position": Exchange.offset,
        "slice": literal("control"),
        "selection_probability": literal(0.1),
        "control_probability": literal(0.1),
        "task_type": Exchange.task_type,
        "status": literal("queued"),
    }
    connection.execute(insert(ReviewItem).from_select(list(facts), select(*facts.values())))


def _add_reviews(connection: Connection, batches: list[int], reviewer: int, now: datetime) -> None:
    facts = {"item_id": ReviewItem.id, "reviewer_id": literal(reviewer)}
    lease = {**facts, "expires_at": literal(now), "draft": literal({}, JSON())}
    blank = ("error_kind", "corrected_response", "comment")
    review = {
        **facts,
        "verdict": literal("accept"),
        **{name: literal(score) for name, score in FIVES.items()},
        **{name: literal("") for name in blank},
        "submitted_at": literal(now),
    }
    for table, values in ((ReviewAssignment, lease), (Review, review)):
        chosen = select(*values.values()).where(ReviewItem.batch_id.in_(batches))
        connection.execute(insert(table).from_select(list(values), chosen))


def _add_gold(connection: Connection, batches: list[int], now: datetime) -> None:
    gold = {
        "item_id": ReviewItem.id,
        "verdict": literal("accept"),
        "response": literal(""),
        "error_kind": literal(""),
        "resolution": literal("agreed"),
        "decided_at": literal(now),
    }
    chosen = select(*gold.values()).where(ReviewItem.batch_id.in_(batches))
    connection.execute(insert(GoldExample).from_select(list(gold), chosen))
    connection.execute(
        update(ReviewItem).where(ReviewItem.batch_id.in_(batches)).values(status="gold")
    )
