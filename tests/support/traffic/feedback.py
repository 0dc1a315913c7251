"""Records of feedback, and what is stored of them."""

import json
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from monitor.store.engine import transaction
from monitor.store.tables import Feedback
from tests.support.traffic.observed_traffic import Headers, Message


class Stored(NamedTuple):
    """A stored value of feedback."""

    exchange_id: str
    model: str
    name: str
    value: float


def rating(
    exchange_id: str, key: bytes | None = None, headers: Headers = (), /, **record: Any
) -> Message:
    """Return the message of feedback; by default a thumb up, with the key of its exchange."""
    record.setdefault("feedback", {"thumbs_up": True})
    value = json.dumps({"id": exchange_id, **record}).encode()
    return exchange_id.encode() if key is None else key, headers, value


def stored_feedback(engine: Engine) -> list[Stored]:
    """Return all values, in the order of their positions."""
    columns = (Feedback.exchange_id, Feedback.model, Feedback.name, Feedback.value)
    with transaction(engine) as connection:
        rows = connection.execute(select(*columns).order_by(Feedback.offset, Feedback.name))
        return [Stored(*row) for row in rows]
