"""Generator of the demo's requests, with their ground truth.

Production logs the prompt, the menu entry and the model's response; only the simulated experts
know the correct response.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from monitor.demo.topics import (
    CHANGED_TOPIC,
    CLOSINGS,
    KNOWN_TOPICS,
    NEW_TOPICS,
    OPENINGS,
    SLOTS,
    Topic,
)

#: System prompt of production and of the training examples.
SYSTEM_PROMPT = "Route the bank customer's request. Answer with the queue and the action."

#: A Monday; fixed, so that the demo is repeatable.
FIRST_WEEK = datetime(2026, 10, 5, tzinfo=UTC)
DRIFTED_WEEK = 4
#: Share of each new topic, and of the changed topic, in the drifted week.
NEW_TOPIC_SHARE = 0.12
CHANGED_TOPIC_SHARE = 0.12


@dataclass(frozen=True)
class Request:
    """A customer's request with its ground truth."""

    request_id: str
    customer: str
    sent_at: datetime
    prompt: str
    #: The menu entry, which production logs.
    task_type: str
    expected: str
    topic: str
    #: Whether version 1 was not trained on its topic.
    is_new: bool


class RequestGenerator:
    """A seeded generator of requests, repeatable for the same order of calls.

    No prompt is drawn twice: training data, traffic and held-out requests have none in common.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._used: set[str] = set()

    def training_examples(self, n: int) -> list[Request]:
        """Draw the training requests of version 1: the known topics."""
        return self._draw_evenly("training", n, KNOWN_TOPICS)

    def baseline(self, n: int) -> list[Request]:
        """Draw the reference requests: the weeks after the launch of version 1."""
        start = FIRST_WEEK - timedelta(weeks=4)
        return self._draw("baseline", n, _known(), start=start, span=timedelta(weeks=4))

    def traffic(self, week: int, n: int, *, drifted: bool) -> list[Request]:
        """Draw the requests of a week, counted from 1."""
        start = FIRST_WEEK + timedelta(weeks=week - 1)
        shares = _drifted() if drifted else _known()
        return self._draw(f"week-{week}", n, shares, start=start)

    def holdout_old(self, n: int) -> list[Request]:
        """Draw held-out requests on the unchanged topics."""
        topics = [topic for topic in KNOWN_TOPICS if topic.name != CHANGED_TOPIC.name]
        return self._draw_evenly("holdout-old", n, topics)

    def holdout_new(self, n: int) -> list[Request]:
        """Draw held-out requests on the new topics and the changed topic."""
        return self._draw_evenly("holdout-new", n, (*NEW_TOPICS, CHANGED_TOPIC))

    def _draw_evenly(self, stream: str, n: int, topics: Sequence[Topic]) -> list[Request]:
        """Draw each topic and each of its frames as often; of so few, chance would miss some."""
        rng = random.Random(f"{self._seed}/{stream}")
        numbers = range(max(len(topic.frames) for topic in topics))
        frames = [
            (topic, topic.frames[number])
            for number in numbers
            for topic in topics
            if number < len(topic.frames)
        ]
        drawn = [frames[i % len(frames)] for i in range(n)]
        rng.shuffle(drawn)
        return [
            self._request(f"{stream}-{i:05d}", topic, FIRST_WEEK, rng, frame)
            for i, (topic, frame) in enumerate(drawn)
        ]

    def _draw(
        self,
        stream: str,
        n: int,
        shares: list[tuple[Topic, float]],
        *,
        start: datetime = FIRST_WEEK,
        span: timedelta = timedelta(weeks=1),
    ) -> list[Request]:
        rng = random.Random(f"{self._seed}/{stream}")
        topics = rng.choices([t for t, _ in shares], weights=[w for _, w in shares], k=n)
        moments = sorted(rng.random() for _ in range(n))
        return [
            self._request(f"{stream}-{i:05d}", topic, start + moment * span, rng)
            for i, (topic, moment) in enumerate(zip(topics, moments, strict=True))
        ]

    def _request(
        self,
        request_id: str,
        topic: Topic,
        sent_at: datetime,
        rng: random.Random,
        frame: str | None = None,
    ) -> Request:
        prompt = _fill(topic, rng, frame)
        while prompt in self._used:
            prompt = _fill(topic, rng, frame)
        self._used.add(prompt)
        return Request(
            request_id=request_id,
            customer=f"customer-{rng.randrange(40_000):05d}",
            sent_at=sent_at.replace(microsecond=0),
            prompt=prompt,
            task_type=topic.menu,
            expected=topic.route,
            topic=topic.name,
            is_new=topic is CHANGED_TOPIC or topic in NEW_TOPICS,
        )


def _known() -> list[tuple[Topic, float]]:
    return [(topic, 1.0) for topic in KNOWN_TOPICS]


def _drifted() -> list[tuple[Topic, float]]:
    unchanged = [topic for topic in KNOWN_TOPICS if topic.name != CHANGED_TOPIC.name]
    rest = 1.0 - NEW_TOPIC_SHARE * len(NEW_TOPICS) - CHANGED_TOPIC_SHARE
    return [
        *((topic, NEW_TOPIC_SHARE) for topic in NEW_TOPICS),
        (CHANGED_TOPIC, CHANGED_TOPIC_SHARE),
        *((topic, rest / len(unchanged)) for topic in unchanged),
    ]


def _fill(topic: Topic, rng: random.Random, frame: str | None = None) -> str:
    """Fill a sentence frame, by default any of the topic's, as typed in a hurry."""
    frame = frame or rng.choice(topic.frames)
    filled = frame.format_map({name: rng.choice(values) for name, values in SLOTS.items()})
    opening, closing = rng.choice(OPENINGS), rng.choice(CLOSINGS)
    if opening.endswith(", "):
        filled = filled if filled.startswith("I") else filled[0].lower() + filled[1:]
    else:
        filled = filled[0].upper() + filled[1:]
    text = opening + filled + closing
    manner = rng.random()
    if manner < 0.15:
        return text.lower()
    if manner < 0.25:
        return text.rstrip(".!?")
    return text
