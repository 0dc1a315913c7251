"""Latency of the search of stored exchanges, and of pages that many users open at once."""

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import httpx
import numpy as np
from sqlalchemy import Engine, func, select, text

from bench.review.page_latency import PASSWORD
from bench.services.postgres import PostgresServer
from monitor.accounts.registration import create_user
from monitor.daemon import search_index
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange, ExchangeTerms, metadata
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges

#: Words of the texts, the first ones most frequent, and words of an exchange.
N_VOCABULARY, N_WORDS = 20_000, 150
PER_BATCH = 1_000
#: What is searched for -> the query of the address.
SEARCHES: Mapping[str, str] = {
    "a frequent word": "q=frequent",
    "a word of one exchange in a hundred": "q=hundredth",
    "a word that no exchange has": "q=nosuchword",
    "word, task type and metric": "q=frequent&task_type=cards&metric=score&least=0.9",
    "a rare value of a metric": "metric=retries&least=50",
}
#: Pages of a lead that need no other rows.
PAGES = (
    "/exchanges",
    "/exchanges/1",
    "/overview",
    "/drift-evaluations",
    "/digest",
    "/incidents",
    "/runbooks",
    "/review",
    "/submitted",
    "/human-evaluations",
    "/progress",
    "/decisions",
    "/models",
    "/candidate-evaluations",
    "/runs",
    "/rollouts",
    "/access-log",
    "/users",
    "/account",
)


@contextmanager
def indexed_exchanges(n: int, n_users: int) -> Iterator[tuple[str, float]]:
    """Lend the URL of a database with indexed exchanges, and the seconds of indexing one."""
    server = PostgresServer()
    server.start()
    try:
        engine = make_engine(server.url)
        metadata.create_all(engine)
        _fill(engine, n, n_users)
        seconds = _index(engine)
        engine.dispose()
        yield server.url, seconds / n
    finally:
        server.remove()


def lead(url: str, number: int) -> httpx.Client:
    """Return the browser of a lead who has signed in."""
    client = httpx.Client(base_url=url, timeout=60)
    token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
    if token is None:
        raise RuntimeError("the page has no token")
    client.headers["x-csrftoken"] = token[1]
    body = {"name": _name(number), "password": PASSWORD}
    client.post("/api/login", json=body).raise_for_status()
    return client


def measure_pages(
    url: str, paths: Mapping[str, str], *, n_users: int, rounds: int, pause: float
) -> dict[str, list[float]]:
    """Return the seconds of each page, by its name, of users who open one after the other.

    Args:
        url: The page's server.
        paths: Name -> path.
        n_users: Leads at once.
        rounds: How often a user opens each page.
        pause: Seconds, on average, for which a user reads a page.
    """
    seconds: dict[str, list[float]] = {name: [] for name in paths}

    def work(client: httpx.Client, seed: int) -> None:
        rng = random.Random(seed)
        for name in rng.sample([*paths] * rounds, k=len(paths) * rounds):
            time.sleep(rng.expovariate(1.0 / pause) if pause else 0.0)
            begun = time.perf_counter()
            client.get(paths[name]).raise_for_status()
            seconds[name].append(time.perf_counter() - begun)
        client.close()

    clients = [lead(url, number) for number in range(n_users)]
    for client in clients[:1]:  # compiles templates and statements
        for path in paths.values():
            client.get(path).raise_for_status()
    threads = [Thread(target=work, args=(client, seed)) for seed, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def p95(seconds: list[float]) -> float:
    """Return the milliseconds of the 95th percentile."""
    return 1000 * float(np.quantile(seconds, 0.95))


def _name(number: int) -> str:
    return f"Lead {number}"


def _fill(engine: Engine, n: int, n_users: int) -> None:
    now = datetime.now(UTC)
    rng = random.Random(0)
    vocabulary = [f"word{number}" for number in range(N_VOCABULARY)]
    weights = [1.0 / (number + 10) for number in range(N_VOCABULARY)]
    with transaction(engine) as connection:
        for number in range(n_users):
            create_user(connection, _name(number), PASSWORD, "lead", now)
    vectors = np.zeros((PER_BATCH, 4), dtype=np.float16)
    for first in range(0, n, PER_BATCH):
        rows: list[dict[str, Any]] = []
        for number in range(first, first + PER_BATCH):
            words = rng.choices(vocabulary, weights, k=N_WORDS)
            words += ["frequent"] if number % 2 else []
            words += ["hundredth"] if number % 100 == 0 else []
            prompt, response = " ".join(words[::3]), " ".join(words[1:])
            rows.append(
                {
                    "source": "bench",
                    "partition": 0,
                    "offset": number,
                    "exchange_id": f"x{number}",
                    "occurred_at": now - timedelta(minutes=n - number),
                    "received_at": now,
                    "model": "assistant",
                    "task_type": ("cards", "fees", "transfers")[number % 3],
                    "end_user": f"u{number % 500}",
                    "messages": [{"role": "user", "content": prompt}],
                    "prompt": prompt,
                    "response": response,
                    "attributes": {
                        "score": rng.random(),
                        "retries": 77 if number % 5_000 == 1 else 1,
                    },
                    "inclusion_probability": 0.05,
                }
            )
        stored = Exchanges.from_rows(
            rows, prompt_vectors=vectors, response_vectors=vectors, encoder="bench"
        )
        with transaction(engine) as connection:
            insert_exchanges(connection, stored, created_at=now)


def _index(engine: Engine) -> float:
    """Index everything as the leader does, and return the seconds."""
    begun = time.perf_counter()
    while True:
        search_index.index_new_exchanges(engine, Settings(), datetime.now(UTC))
        with transaction(engine) as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (Exchange, ExchangeTerms)
            ]
        if counts[0] == counts[1]:
            break
    seconds = time.perf_counter() - begun
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return seconds
