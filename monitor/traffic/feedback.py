"""Values of feedback as records give them: booleans and finite numbers under short names."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.errors import RecordError
from monitor.store.traffic.position import FeedbackRow, Position
from monitor.traffic.exchange import Feedback
from monitor.traffic.parsing.json_text import json_kind

BAD_FEEDBACK = "bad_feedback"
#: A record with more values is refused: names are no place for data.
MAX_VALUES = 20
#: No address and no sentence is such a name.
NAME = re.compile(r"[^\W\d][\w.:/-]{0,63}")


def check_values(values: Mapping[Any, Any]) -> dict[str, float]:
    """Return the values of feedback as numbers; booleans are 0 and 1.

    Raises:
        RecordError: ``bad_feedback``: no value, too many, a name of other characters, or a value
            that is neither a boolean nor a finite number. It quotes no value.
    """
    if not values:
        raise RecordError(BAD_FEEDBACK, "there is no value; send at least one boolean or number")
    if len(values) > MAX_VALUES:
        raise RecordError(BAD_FEEDBACK, f"{len(values)} values; send at most {MAX_VALUES}")
    checked = {}
    for name, value in values.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise RecordError(
                BAD_FEEDBACK,
                f"the name {str(name)[:40]!r}; begin with a letter, and use up to 64 letters, "
                "digits and . : / _ -",
            )
        number = _number(value)
        if number is None:
            kind = json_kind(value) if not isinstance(value, int | float) else "out of range"
            raise RecordError(
                BAD_FEEDBACK,
                f"{name!r} is {kind}; send booleans and finite numbers only, no comments",
            )
        checked[name] = number
    return checked


def feedback_rows(
    feedback: Feedback, exchange_id: str, model: str, *, position: Position, received_at: datetime
) -> list[FeedbackRow]:
    """Return the rows of feedback, one for each value.

    The model is its listed name or, redacted, the record's.
    """
    return [
        FeedbackRow(
            position=position,
            exchange_id=exchange_id,
            model=model,
            name=name,
            value=value,
            given_at=feedback.given_at,
            received_at=received_at,
        )
        for name, value in feedback.values.items()
    ]


def _number(value: Any) -> float | None:
    """Return a boolean or number as a finite float; ``None`` for anything else."""
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
