"""Exchanges as rows of a reference file, with their texts or with descriptors in their place."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from monitor.descriptors import WithheldText, cut_off, identify_language, refusal
from monitor.descriptors.catalogue import DESCRIPTORS
from monitor.traffic.exchange import Exchange, Message

Values = dict[str, float | str | None]

#: Functions of a text, by name, whose values take its place.
FUNCTIONS: Mapping[str, Callable[[str], Any]] = {
    function.__name__: function
    for function in (
        *(descriptor.function for descriptor in DESCRIPTORS),
        identify_language,
        refusal,
        cut_off,
    )
}
#: A text of the metadata is a label, which stays, where it is no longer and its key has few values.
MAX_LABEL_CHARACTERS = 64
MAX_LABELS = 50


class StoredExchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row: an exchange; without texts, the number of each and its descriptors."""

    exchange: Exchange
    #: ``None`` where the text itself is in the exchange, or is blank.
    prompt: tuple[int, Values] | None = None
    response: tuple[int, Values] | None = None


def rows_with_texts(exchanges: Sequence[Exchange]) -> list[bytes]:
    """Return exchanges as JSON."""
    return [msgspec.json.encode(StoredExchange(exchange=exchange)) for exchange in exchanges]


def rows_without_texts(exchanges: Sequence[Exchange]) -> list[bytes]:
    """Return exchanges as JSON without prompts, responses, earlier messages and texts of metadata.

    Labels of the metadata, such as a finish reason or a version, stay.
    """
    numbers: dict[str, int] = {}
    known: dict[str, Values] = {}
    labels = _label_keys(exchanges)

    def describe(text: str) -> tuple[int, Values] | None:
        if not text.strip():
            return None
        if text not in known:
            known[text] = {name: function(text) for name, function in FUNCTIONS.items()}
        return numbers.setdefault(text, len(numbers)), known[text]

    return [
        msgspec.json.encode(
            StoredExchange(
                exchange=_without_texts(exchange, labels),
                prompt=describe(exchange.prompt),
                response=describe(exchange.response),
            )
        )
        for exchange in exchanges
    ]


def read_rows(rows: Sequence[bytes]) -> list[Exchange]:
    """Return the exchanges of rows; withheld texts have their descriptors.

    Raises:
        msgspec.MsgspecError: A row is no exchange.
    """
    decoder = msgspec.json.Decoder(StoredExchange)
    exchanges = []
    for stored in map(decoder.decode, rows):
        exchange = stored.exchange
        if stored.prompt is not None:
            message = Message("user", _restore(*stored.prompt))
            exchange = msgspec.structs.replace(exchange, messages=(message,))
        if stored.response is not None:
            exchange = msgspec.structs.replace(exchange, response=_restore(*stored.response))
        exchanges.append(exchange)
    return exchanges


def _restore(number: int, values: Values) -> WithheldText:
    # JSON has no NaN, which says that a descriptor doesn't apply.
    return WithheldText(
        number, {name: math.nan if value is None else value for name, value in values.items()}
    )


def _without_texts(exchange: Exchange, labels: frozenset[str]) -> Exchange:
    blank = "" if exchange.prompt.strip() else exchange.prompt
    return msgspec.structs.replace(
        exchange,
        messages=(Message("user", blank),),
        response="" if exchange.response.strip() else exchange.response,
        attributes={
            key: value
            for key, value in exchange.attributes.items()
            if not isinstance(value, str) or key in labels
        },
    )


def _label_keys(exchanges: Sequence[Exchange]) -> frozenset[str]:
    """Return the keys of the metadata whose texts are labels: short, few, and repeated."""
    values: dict[str, Counter[str]] = {}
    for exchange in exchanges:
        for key, value in exchange.attributes.items():
            if isinstance(value, str):
                values.setdefault(key, Counter())[value] += 1
    return frozenset(
        key
        for key, counts in values.items()
        if len(counts) <= MAX_LABELS
        and 2 * len(counts) <= counts.total()
        and max(map(len, counts)) <= MAX_LABEL_CHARACTERS
    )
