"""Payloads of presses, as Slack sends them; nothing in them is trusted before it was checked."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from monitor.rendering.buttons import parse_value
from monitor.store.alerts.slack_actions import Press

SlackId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z][A-Z0-9]{2,30}\Z")]


class _User(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern=r"\A[UW][A-Z0-9]{2,30}\Z")]


class _Channel(msgspec.Struct):
    id: SlackId


class _Option(msgspec.Struct):
    value: str


class _Element(msgspec.Struct):
    action_id: str
    #: Time of the press: the same in a payload that is delivered again.
    action_ts: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,12}\.[0-9]{1,9}\Z")]
    value: str = ""
    selected_option: _Option | None = None


class _Payload(msgspec.Struct):
    type: Literal["block_actions"]
    user: _User
    channel: _Channel
    actions: Annotated[list[_Element], msgspec.Meta(min_length=1, max_length=1)]


def parse_press(payload: Any, actions: Collection[str], now: datetime) -> Press | None:
    """Return the press that a payload reports; ``None`` where it is no press of our buttons.

    The payload is of an envelope of the kind ``interactive``; ``actions`` are the names in the
    table.
    """
    try:
        received = msgspec.convert(payload, _Payload)
    except msgspec.ValidationError:
        return None
    (element,) = received.actions
    option = element.selected_option
    target = parse_value(element.value if option is None else option.value)
    if element.action_id not in actions or target is None:
        return None
    identity = (received.user.id, element.action_ts, element.action_id, str(target))
    return Press(
        press=hashlib.sha256("\n".join(identity).encode()).hexdigest(),
        action=element.action_id,
        choice=target.choice,
        subject=target.subject,
        version=target.version,
        slack_user=received.user.id,
        slack_channel=received.channel.id,
        received_at=now,
    )
