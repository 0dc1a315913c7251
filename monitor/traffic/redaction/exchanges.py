"""Redaction of exchanges: texts, ids, labels, and the names and values of metadata."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from monitor.settings.models.names import ModelNames
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.redaction.national_ids import names_an_id
from monitor.traffic.redaction.redactor import Redactor, pseudonym_of, replace_spans
from monitor.traffic.redaction.turns import find_in_turns

#: Attributes that are ids.
IDS = {"trace_id"}
#: Ids of random digits, which may look like a number of any kind.
RANDOM_ID = re.compile(
    r"(?=.*[a-f])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?:[0-9a-f]{8}){2,8})",
    re.IGNORECASE,
)
PREFIX = "id-"

#: A shorter number names nobody.
MIN_DIGITS = 3
#: No float has more exact digits, and no number of a person has either.
MAX_NUMBER = 10**19
#: Names of metadata that are telephone numbers; ``call_duration`` is none.
PHONE_NAME = re.compile(
    r"(?:^|[\W_])(?:(?:tele)?phone|tel|telefon\w*|mobile?|cell|fax|handy|whatsapp)"
    r"(?:$|[\W_]?(?:number|no|nr|num|nummer)?$)",
    re.IGNORECASE,
)
#: A name that says nothing.
UNNAMED = "value: "
#: Kinds that a number is by its digits alone.
BY_DIGITS = {"CARD"}


def redact_exchange(
    exchange: Exchange, redactor: Redactor | None, names: ModelNames | None = None
) -> Exchange:
    """Return the exchange without the personal data that a redactor finds, where there is one.

    Names of listed models stay; without ``names`` every model's name stays.
    """
    if redactor is None:
        return exchange
    redact = redactor.redact
    turns = (*exchange.messages, Message("assistant", exchange.response))
    clean = [
        Message(turn.role, replace_spans(turn.content, spans))
        for turn, spans in zip(turns, find_in_turns(turns, redactor), strict=True)
    ]
    return msgspec.structs.replace(
        exchange,
        exchange_id=redact_id(exchange.exchange_id, redactor),
        model=redact_model(exchange.model, redactor, names),
        task_type=redact(exchange.task_type),
        end_user=redactor.pseudonym(exchange.end_user),
        messages=tuple(clean[:-1]),
        response=clean[-1].content,
        attributes=_redact_attributes(exchange.attributes, redactor),
    )


def redact_id(id_: str, redactor: Redactor | None) -> str:
    """Return the id of an exchange, or a pseudonym where it holds personal data.

    The same id has the same pseudonym: halves are joined, and repetitions found, by either.
    """
    if redactor is None or not id_ or RANDOM_ID.fullmatch(id_) or not redactor.find_forms(id_):
        return id_
    return pseudonym_of_id(id_, redactor.pseudonymize)


def pseudonym_of_id(id_: str, pseudonymize: Callable[[str], str] = pseudonym_of) -> str:
    """Return the stable pseudonym of an exchange's id."""
    return PREFIX + pseudonymize(id_).rpartition("-")[2]


def redact_model(model: str, redactor: Redactor | None, names: ModelNames | None) -> str:
    """Return a model's name; one that no configuration lists is a text like others."""
    if redactor is None or names is None or not model or names.resolve(model) is not None:
        return model
    return redactor.redact(model)


def _redact_attributes(attributes: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    for key, value in attributes.items():
        name = redacted = redactor.redact(key)
        n_names = 1
        while name in clean:  # two names may be of one kind
            n_names += 1
            name = f"{redacted} {n_names}"
        clean[name] = _redact_value(key, value, redactor)
    return clean


def _redact_value(key: str, value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redact_id(value, redactor) if key in IDS else redactor.redact(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    kind = _kind_of_number(key, value, redactor)
    return value if kind is None else f"[{kind}]"


def _kind_of_number(key: str, value: float, redactor: Redactor) -> str | None:
    """Return the kind of personal data that a number is, told by its name; ``None``: a metric.

    Without a name only a card's number counts: others are too often those of a metric.
    """
    if not 10 ** (MIN_DIGITS - 1) <= value < MAX_NUMBER or value != int(value):
        return None
    digits = str(int(value))
    alone = {span.kind for span in redactor.find_forms(UNNAMED + digits)}
    if alone & BY_DIGITS:
        return min(alone & BY_DIGITS)
    words = re.sub(r"[\W_]+", " ", key)
    named = f"{words}: {digits}"
    start = len(named) - len(digits)
    for span in redactor.find_forms(named):
        if span.start <= start and span.end == len(named):
            return span.kind if _is_named(span.kind, key, words, alone) else None
    return None


def _is_named(kind: str, key: str, words: str, alone: Collection[str]) -> bool:
    """Return whether the name of a number, rather than its digits alone, tells its kind."""
    if kind == "PHONE":
        return PHONE_NAME.search(key) is not None
    return kind not in alone or (kind == "NATIONAL_ID" and names_an_id(words))
