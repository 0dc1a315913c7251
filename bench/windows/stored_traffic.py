"""Generated traffic of any size in a database: texts, vectors, users, task types and metrics."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from bench.drift.sources.synthetic import World, make_world
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import create_baseline
from monitor.store.traffic.exchange_columns import SPACE, Exchanges
from monitor.store.traffic.exchanges import insert_exchanges

ENCODER = "generated@1/max256"
TASK_TYPES = ("billing", "orders", "returns", "account", "shipping", "products", "legal", "other")
#: Rows of one block of vectors, as an ingest batch.
BLOCK_ROWS = 1_000
WEEK = timedelta(days=7)
#: Exchanges for each end user, on average.
EXCHANGES_PER_USER = 4
#: A response's cosine to its prompt.
RESPONSE_COSINE = 0.6
THRESHOLD = SPACE - SPACE // 20

_SENTENCE = (
    "please check the status of my order and tell me when it will arrive at the new address "
    "because I could not find any information about the refund on the account page today"
)
_WORDS = _SENTENCE.split()


def store_window(
    engine: Engine,
    n_baseline: int,
    n: int,
    start: datetime,
    *,
    seed: int,
    model: str = "assistant",
) -> None:
    """Store a baseline of a model and a window of the week from ``start``."""
    world = make_world(np.random.default_rng([seed, 0]))
    with transaction(engine) as connection:
        baseline = create_baseline(
            connection,
            model,
            f"generated {model} {n_baseline}",
            encoder=ENCODER,
            n_exchanges=n_baseline,
            created_at=start - WEEK,
        )
    for baseline_id, n_rows, begin in ((baseline, n_baseline, start - WEEK), (None, n, start)):
        for first in range(0, n_rows, BLOCK_ROWS):
            number = min(BLOCK_ROWS, n_rows - first)
            rng = np.random.default_rng([seed, 1 + (baseline_id is None), first])
            rows = generate(world, number, first, begin, n_rows, rng, model=model)
            with transaction(engine) as connection:
                insert_exchanges(connection, rows, created_at=begin, baseline_id=baseline_id)


def generate(
    world: World,
    n: int,
    first: int,
    begin: datetime,
    n_all: int,
    rng: np.random.Generator,
    *,
    model: str = "assistant",
) -> Exchanges:
    """Return n exchanges, from number ``first`` on, of the ``n_all`` of the week from ``begin``."""
    at = begin + WEEK * (first / n_all)
    prompts, topics = world.draw(n, rng)
    users = rng.integers(max(n_all // EXCHANGES_PER_USER, 40), size=n)
    lengths = rng.integers(6, 24, size=(2, n))
    words = rng.integers(len(_WORDS), size=(2, n, 24))
    resolved = rng.random(n) < 0.8
    latency = np.exp(rng.normal(6.0, 0.5, n)).round(1)
    texts = [
        [
            " ".join(_WORDS[word] for word in row[:length]) + f" ({topic}.{first + index})."
            for index, (row, length, topic) in enumerate(zip(side, of_side, topics, strict=True))
        ]
        for side, of_side in zip(words.tolist(), lengths.tolist(), strict=True)
    ]
    randomness = rng.integers(THRESHOLD, SPACE, size=n)
    return Exchanges(
        sources=[f"generated {model} {begin:%Y-%m-%d}"] * n,
        partitions=[0] * n,
        offsets=list(range(first, first + n)),
        record_indexes=[0] * n,
        received_at=[at] * n,
        exchange_ids=[f"exchange-{begin:%Y%m%d}-{first + index}" for index in range(n)],
        occurred_at=[at + index * WEEK / n_all for index in range(n)],
        models=[model] * n,
        task_types=[TASK_TYPES[topic % len(TASK_TYPES)] for topic in topics.tolist()],
        end_users=[f"user-{user}" for user in users.tolist()],
        messages=[[{"role": "user", "content": text}] for text in texts[0]],
        prompts=texts[0],
        responses=texts[1],
        attributes=[
            {"resolved": bool(good), "latency_ms": float(slow), "finish_reason": "stop"}
            for good, slow in zip(resolved, latency, strict=True)
        ],
        truncated=[False] * n,
        inclusion_probability=np.full(n, 0.05),
        randomness=randomness.astype(np.int64),
        threshold=np.full(n, THRESHOLD, dtype=np.int64),
        candidate_threshold=np.full(n, THRESHOLD, dtype=np.int64),
        min_sample_size=np.zeros(n, dtype=np.int64),
        prompt_vectors=prompts,
        response_vectors=_responses_to(prompts, rng),
        encoder=ENCODER,
    )


def _responses_to(prompts: NDArray[np.float16], rng: np.random.Generator) -> NDArray[np.float16]:
    noise = rng.standard_normal(prompts.shape).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    near = RESPONSE_COSINE * prompts + np.sqrt(1 - RESPONSE_COSINE**2) * noise
    unit: NDArray[np.float16] = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype("<f2")
    return unit
