"""Traffic and baselines inserted directly into the store, with generated vectors."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from xxhash import xxh3_64_intdigest

from monitor.store.engine import transaction
from monitor.store.traffic.baselines import create_baseline
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from tests.support.traffic.exchange_rows import exchange_row

TOPICS = ("card blocked abroad", "loan interest rate", "account balance today")
NEW_TOPIC = "crypto wallet transfer"
ENCODER = "test@1/max64"
DIMENSION = 24


def vectors_of(topics: Sequence[int], rng: np.random.Generator) -> NDArray[np.float16]:
    """Return a unit vector near its topic's corner for each exchange."""
    points = rng.normal(0, 0.18, (len(topics), DIMENSION))
    points[np.arange(len(topics)), list(topics)] += 1.0
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)


class TopicEncoder:
    """Another encoder: a vector near its own corner for each topic, read from the text."""

    identity = "other@2/max64"
    dimension = 16

    def __init__(self) -> None:
        #: Calls so far, and the longest of them in texts.
        self.calls: list[int] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return ``[n, 16]``, determined by the text."""
        self.calls.append(len(texts))
        points = np.empty((len(texts), self.dimension))
        for row, text in enumerate(texts):
            noise = np.random.default_rng(xxh3_64_intdigest(text.encode()))
            points[row] = noise.normal(0, 0.18, self.dimension)
            named = (number for number, name in enumerate((*TOPICS, NEW_TOPIC)) if name in text)
            points[row, next(named, 7) + 8 * text.startswith("About")] += 1.0
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
    metric: str = "resolved",
    baseline: bool = False,
    model: str = "assistant",
    encoder: str = ENCODER,
    version: str = "",
    days: float = 7.0,
    large_user: float = 0.0,
    answered: int | None = None,
    header: Callable[[int], str] = lambda _: "",
    system: str = "",
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
        metric: What that metric is called.
        baseline: Store them as the model's baseline.
        model: The model.
        encoder: Identity of the encoder.
        version: Of the model: named by the traffic, or that of the baseline.
        days: The time that they are spread over.
        large_user: Share sent by one user, who asks about nothing but the first topic and whose
            requests are never resolved.
        answered: How many have a response, evenly spread; ``None``: all.
        header: Returns what is before the prompt of a number.
        system: The system message of each exchange.

    Returns:
        The baseline's id, or ``None``.
    """
    rng = np.random.default_rng(seed)
    topics = np.where(rng.random(n) < new_share, 3, rng.integers(0, 3, n))
    changed = rng.random(n) < changed_share
    responses = np.where(changed, 10, topics + 5)
    from_large = rng.random(n) < large_user
    topics[from_large] = 0
    responses[from_large] = 5
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
                model_version=version,
            )
        rows = [
            exchange_row(
                f"test-{seed}-{start:%Y%m%d}",
                index,
                exchange_id=f"{seed}-{index}",
                occurred_at=start + index * timedelta(days=days) / n,
                received_at=start,
                model=model,
                task_type=("cards", "loans", "accounts", "other")[topic],
                end_user="crawler" if from_large[index] else f"user-{rng.integers(0, n)}",
                messages=[
                    *([{"role": "system", "content": system}] if system else []),
                    {"role": "user", "content": names[topic]},
                ],
                prompt=f"{header(index)}{names[topic]} number {index % 40}",
                response=""
                if answered is not None and index * answered // n == (index + 1) * answered // n
                else "Nothing of the kind."
                if changed[index]
                else f"About {names[topic]}.",
                attributes={
                    metric: bool(rng.random() < resolved) and not from_large[index],
                    **({"model_version": version} if version and not baseline else {}),
                },
                inclusion_probability=0.05,
            )
            for index, topic in enumerate(topics)
        ]
        vectors = vectors_of(topics, rng), vectors_of(responses, rng)
        if encoder == TopicEncoder.identity:
            of_texts = TopicEncoder().encode
            vectors = (
                of_texts([row["prompt"] for row in rows]),
                of_texts([r["response"] for r in rows]),
            )
        exchanges = Exchanges.from_rows(
            rows, encoder=encoder, prompt_vectors=vectors[0], response_vectors=vectors[1]
        )
        insert_exchanges(connection, exchanges, created_at=start, baseline_id=baseline_id)
    return baseline_id
