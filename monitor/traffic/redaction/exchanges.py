"""Redaction of exchanges."""

import msgspec

from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.redaction.redactor import Redactor

#: Attributes that hexadecimal digits could make look like a telephone number.
IDS = {"trace_id"}


def redact_exchange(exchange: Exchange, redactor: Redactor | None) -> Exchange:
    """Return the exchange without the personal data that a redactor finds, where there is one."""
    if redactor is None:
        return exchange
    redact = redactor.redact
    return msgspec.structs.replace(
        exchange,
        end_user=redactor.pseudonym(exchange.end_user),
        messages=tuple(Message(turn.role, redact(turn.content)) for turn in exchange.messages),
        response=redact(exchange.response),
        attributes={
            key: redact(value) if isinstance(value, str) and key not in IDS else value
            for key, value in exchange.attributes.items()
        },
    )
