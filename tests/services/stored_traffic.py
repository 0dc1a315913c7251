"""Traffic and baselines written straight to the store, with vectors made here."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from monitor.store.baselines import create_baseline
from monitor.store.engine import transaction
from monitor.store.exchanges import ExchangeRow, Position, insert_exchanges

TOPICS = ("card blocked abroad", "loan interest rate", "account balance today")
NEW_TOPIC = "crypto wallet transfer"
ENCODER = "test@1/max64"
DIMENSION = 24


def vectors_of(topics: Sequence[int], rng: np.random.Generator) -> NDArray[np.float16]:
    """Return a unit vector near its topic's corner for each exchange."""
    points = rng.normal(0, 0.18, (len(topics), DIMENSION))
    points[np.arange(len(topics)), list(topics)] += 1.0
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)


def store_traffic(
    engine: Engine,
    start: datetime,
    n: int,
    *,
    seed: int,
    new_share: float = 0.0,
    changed_share: float = 0.0,
    resolved: float = 0.9,
    baseline: bool = False,
    model: str = "assistant",
    encoder: str = ENCODER,
) -> int | None:
    """Store n exchanges spread over the week from ``start``.

    Args:
        engine: The database.
        start: The first day.
        n: How many.
        seed: Everything is drawn from it.
        new_share: Share of prompts on a topic that is not in the usual ones.
        changed_share: Share of responses unlike those that the prompts usually get.
        resolved: Share with the metric ``resolved`` true.
        baseline: Store them as the model's baseline.
        model: The model.
        encoder: Identity of the encoder.

    Returns:
        The baseline's id, or ``None``.
    """
    rng = np.random.default_rng(seed)
    topics = np.where(rng.random(n) < new_share, 3, rng.integers(0, 3, n))
    changed = rng.random(n) < changed_share
    answers = np.where(changed, 10, topics + 5)
    names = (*TOPICS, NEW_TOPIC)
    baseline_id = None
    with transaction(engine) as connection:
        if baseline:
            baseline_id = create_baseline(
                connection,
                model,
                f"digest-{seed}-{encoder}",
                n_exchanges=n,
                encoder=encoder,
                created_at=start,
            )
        rows = [
            ExchangeRow(
                position=Position(f"test-{seed}-{start:%Y%m%d}", 0, index),
                exchange_id=f"{seed}-{index}",
                occurred_at=start + index * timedelta(days=7) / n,
                received_at=start,
                model=model,
                task_type=("cards", "loans", "accounts", "other")[topic],
                user=f"user-{rng.integers(0, n)}",
                messages=[{"role": "user", "content": names[topic]}],
                prompt=f"{names[topic]} number {index % 40}",
                response="Nothing of the kind." if changed[index] else f"About {names[topic]}.",
                attributes={"resolved": bool(rng.random() < resolved)},
                truncated=False,
                inclusion_probability=0.05,
            )
            for index, topic in enumerate(topics)
        ]
        insert_exchanges(
            connection,
            rows,
            encoder=encoder,
            prompt_vectors=vectors_of(topics, rng),
            response_vectors=vectors_of(answers, rng),
            created_at=start,
            baseline_id=baseline_id,
        )
    return baseline_id
