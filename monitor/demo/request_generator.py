"""The demo's world: who asks what in which week, and what the right answer is.

The world is the only one who knows the truth. Production logs the prompt, the menu entry and what
the model answered; the experts, asked about a request, give the world's answer.
"""

import random
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

#: How production queries the model; training examples use the same words.
SYSTEM_PROMPT = "Route the bank customer's request. Answer with the queue and the action."

#: A Monday. The demo's dates are fixed, so that its figures repeat.
FIRST_WEEK = datetime(2026, 10, 5, tzinfo=UTC)
DRIFTED_WEEK = 4
#: Share of the drifted week that each new topic takes, and that the changed topic takes.
NEW_TOPIC_SHARE = 0.12
CHANGED_TOPIC_SHARE = 0.12


@dataclass(frozen=True)
class Request:
    """A customer's request, with what only the world knows about it."""

    request_id: str
    customer: str
    asked_at: datetime
    prompt: str
    #: The menu entry under which it came: what production logs.
    task_type: str
    expected: str
    topic: str
    #: Of a topic, or a turn of a topic, that version 1 was never taught.
    is_new: bool


class RequestGenerator:
    """Draws requests. The same seed, asked in the same order, draws the same ones.

    No prompt is drawn twice: training data, traffic and held-out requests share none.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._used: set[str] = set()

    def training_examples(self, n: int) -> list[Request]:
        """Draw what version 1 is trained on: the known topics, evenly."""
        return self._draw("training", n, _known())

    def baseline(self, n: int) -> list[Request]:
        """Draw the reference requests: the weeks after version 1's launch."""
        start = FIRST_WEEK - timedelta(weeks=4)
        return self._draw("baseline", n, _known(), start=start, span=timedelta(weeks=4))

    def traffic(self, week: int, n: int) -> list[Request]:
        """Draw a week's requests; weeks count from 1, and the fourth and later have drifted."""
        start = FIRST_WEEK + timedelta(weeks=week - 1)
        shares = _drifted() if week >= DRIFTED_WEEK else _known()
        return self._draw(f"week-{week}", n, shares, start=start)

    def holdout_old(self, n: int) -> list[Request]:
        """Draw requests on the topics that did not change, for evaluation."""
        shares = [(topic, 1.0) for topic in KNOWN_TOPICS if topic.name != CHANGED_TOPIC.name]
        return self._draw("holdout-old", n, shares)

    def holdout_new(self, n: int) -> list[Request]:
        """Draw requests on the new topics and on the changed one, for evaluation."""
        return self._draw(
            "holdout-new", n, [(topic, 1.0) for topic in (*NEW_TOPICS, CHANGED_TOPIC)]
        )

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
        self, request_id: str, topic: Topic, asked_at: datetime, rng: random.Random
    ) -> Request:
        prompt = _say(topic, rng)
        while prompt in self._used:
            prompt = _say(topic, rng)
        self._used.add(prompt)
        return Request(
            request_id=request_id,
            customer=f"customer-{rng.randrange(40_000):05d}",
            asked_at=asked_at.replace(microsecond=0),
            prompt=prompt,
            task_type=topic.menu,
            expected=topic.answer,
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


def _say(topic: Topic, rng: random.Random) -> str:
    """Fill a frame as a person in a hurry might type it."""
    frame = rng.choice(topic.frames)
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
