"""An end user's own id in the texts and metadata of their record."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from monitor.traffic.exchange import Exchange, Message

#: A shorter id, such as 17, occurs anywhere; ``driftwarden forget`` searches from as many on.
MIN_CHARACTERS = 6


def replace_own_id(exchange: Exchange, spellings: Sequence[str], pseudonym: str) -> Exchange:
    """Return an exchange whose texts and metadata have the pseudonym in place of the id.

    The id beside its pseudonym would undo it. It counts as a whole word, in any case; a number of
    the metadata counts where it equals the id. Ids of exchanges and traces stay: they join records.

    ``spellings`` are the id as sent, and normalized.
    """
    words = tuple({text.lower() for text in spellings if len(text) >= MIN_CHARACTERS})
    if not words:
        return exchange

    def replaced(text: str) -> str:
        lower = text.lower()
        if not any(word in lower for word in words):  # most texts, in a microsecond
            return text
        return _pattern(words).sub(pseudonym, text)

    def replaced_value(key: str, value: Any) -> Any:
        if isinstance(value, str):
            return value if key == "trace_id" else replaced(value)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return pseudonym if is_number and str(value) in words else value

    return msgspec.structs.replace(
        exchange,
        task_type=replaced(exchange.task_type),
        messages=tuple(Message(turn.role, replaced(turn.content)) for turn in exchange.messages),
        response=replaced(exchange.response),
        attributes={
            replaced(key): replaced_value(key, value) for key, value in exchange.attributes.items()
        },
    )


@lru_cache(1024)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    any_word = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{any_word})(?![A-Za-z0-9_])", re.IGNORECASE)
