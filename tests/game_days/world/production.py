"""Production of the drill: what its models send, as faults change it."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from tests.support.traffic.stored_traffic import NEW_TOPIC, TOPICS

TASK_TYPES = ("cards", "loans", "accounts", "other")
#: Usual mean of the judge's scores.
JUDGE = 4.2
#: What a producer without a clock sends.
WRONG_TIME = "1970-01-01T00:00:00+00:00"
#: Share of exchanges that users rate, and the longest time until they do.
RATED, RATED_WITHIN = 0.4, timedelta(hours=2)


@dataclass(frozen=True)
class Sent:
    """A record as its producer sends it."""

    at: datetime
    key: bytes
    value: bytes


@dataclass
class Sender:
    """The traffic of a model; faults change the fields."""

    model: str
    per_day: float = 200.0
    #: The name that it sends; empty: that of the model.
    sent_as: str = ""
    #: Share of the usual traffic.
    volume: float = 1.0
    #: Share of prompts on a topic that the model was not trained for.
    new_topic: float = 0.0
    #: Share of exchanges that resolve the request.
    resolved: float = 0.9
    #: Mean score of the judge, in [0, 5].
    judge: float = JUDGE
    #: Share of records that can't be read, and whether as their times are wrong.
    malformed: float = 0.0
    has_wrong_times: bool = False
    #: Share of exchanges with feedback.
    rated: float = RATED
    #: Fields and metrics that are not sent.
    omitted: set[str] = field(default_factory=set)
    #: Task types that nobody asks for.
    absent_types: set[str] = field(default_factory=set)
    #: The version that a rollout brings, and the share that it serves.
    version: str = ""
    version_share: float = 0.0
    #: End users.
    n_users: int = 400

    @property
    def name(self) -> str:
        """The model's name in its records."""
        return self.sent_as or self.model


class Production:
    """The models, and the records that they send in a period."""

    def __init__(self, models: list[str], rng: np.random.Generator) -> None:
        self.senders = {model: Sender(model) for model in models}
        self._rng = rng
        self._n_sent = 0
        self._ratings: list[Sent] = []

    def draw_from(self, rng: np.random.Generator) -> None:
        """Draw what is sent from now on from another generator."""
        self._rng = rng

    def add(self, model: str) -> None:
        """Let another model send."""
        self.senders[model] = Sender(model)

    def send(self, start: datetime, end: datetime) -> list[Sent]:
        """Return the records of ``[start, end)``, in the order of their times."""
        records = [
            record for sender in self.senders.values() for record in self._send(sender, start, end)
        ]
        due = [rating for rating in self._ratings if rating.at < end]
        self._ratings = [rating for rating in self._ratings if rating.at >= end]
        return sorted(records + due, key=lambda record: record.at)

    def send_late(self, model: str, n: int, start: datetime, end: datetime) -> list[Sent]:
        """Return records of an earlier period, as a producer delivers them after an outage."""
        places = np.sort(self._rng.random(n))
        return [
            self._record(self.senders[model], start + place * (end - start)) for place in places
        ]

    def baseline(self, model: str, n: int, start: datetime) -> bytes:
        """Return a file of exchanges of the four weeks from ``start``."""
        sender = Sender(model)
        step = timedelta(days=28) / n
        return b"\n".join(self._record(sender, start + k * step).value for k in range(n))

    def _send(self, sender: Sender, start: datetime, end: datetime) -> Iterator[Sent]:
        expected = sender.per_day * sender.volume * rhythm(start + (end - start) / 2)
        n = self._rng.poisson(expected * ((end - start) / timedelta(days=1)))
        for place in self._rng.random(n):
            at = start + place * (end - start)
            record = self._record(sender, at)
            yield record
            if self._rng.random() < sender.rated:
                rating = {"id": record.key.decode(), "model": sender.name}
                value = json.dumps({**rating, "feedback": {"thumbs_up": bool(place < 0.8)}})
                later = at + self._rng.random() * RATED_WITHIN
                self._ratings.append(Sent(later, record.key, value.encode()))

    def _record(self, sender: Sender, at: datetime) -> Sent:
        rng = self._rng
        self._n_sent += 1
        key = f"x{self._n_sent}"
        is_malformed = rng.random() < sender.malformed
        if is_malformed and not sender.has_wrong_times:
            return Sent(at, key.encode(), b'{"prompt": "cut o')
        present = [k for k in range(len(TOPICS)) if TASK_TYPES[k] not in sender.absent_types]
        topic = len(TOPICS) if rng.random() < sender.new_topic else int(rng.choice(present))
        name = (*TOPICS, NEW_TOPIC)[topic]
        record: dict[str, object] = {
            "id": key,
            "timestamp": WRONG_TIME if is_malformed else at.isoformat(),
            "model": sender.name,
            "task_type": TASK_TYPES[topic],
            "user": f"user-{rng.integers(sender.n_users)}",
            "prompt": f"{name} number {rng.integers(40)}",
            "response": f"About {name}.",
        }
        metadata: dict[str, float | str] = {
            "resolved": int(rng.random() < sender.resolved),
            "judge": float(np.clip(rng.normal(sender.judge, 0.4), 0, 5)),
            "latency": float(rng.gamma(4.0, 0.3)),
        }
        if sender.version:
            is_new = rng.random() < sender.version_share
            metadata["model_version"] = sender.version if is_new else "v1"
        for name in sender.omitted:
            record.pop(name, None)
            metadata.pop(name, None)
        return Sent(at, key.encode(), json.dumps({**record, "metadata": metadata}).encode())


def rhythm(at: datetime) -> float:
    """Return the traffic at a time relative to that of a mean day: less at night and weekends."""
    hours = at.hour + at.minute / 60
    by_hour = 1.0 + 0.6 * math.cos(2 * math.pi * (hours - 14) / 24)
    return by_hour * (0.6 if at.weekday() >= 5 else 1.16)
