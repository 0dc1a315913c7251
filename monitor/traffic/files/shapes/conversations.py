"""ShareGPT: ``{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}``.

The list may also be named ``messages``, ``conversation`` or ``items``. Roles by the documentation
of LLaMA-Factory (data/README.md, "ShareGPT Format": human, gpt, observation, function_call, system)
and of Axolotl (docs/dataset-formats/conversation.qmd).
"""

from hashlib import blake2b

import msgspec

from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.common_keys import read_common_keys
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import are_turns, decode_text, iter_exchanges, read_turns
from monitor.traffic.parsing.raw_exchange import RawExchange, RecordPart

_LISTS = ("conversations", "conversation", "messages", "items")


def _matches(content: Object) -> bool:
    return bool(_turns(content))


def _turns(content: Object) -> list[object]:
    """Return the turns of ShareGPT; OpenAI's messages only where their list has another name."""
    for key in _LISTS:
        turns = decode_text(content.get(key))
        if isinstance(turns, list) and are_turns(turns):
            has_senders = all("from" in turn for turn in turns)
            if has_senders or key in {"conversations", "conversation"}:
                return turns
    return []


def _read(content: Object) -> list[RecordPart]:
    """Read each turn of the assistant as an exchange; the turns before it are its conversation."""
    turns = read_turns(_turns(content))
    if isinstance(content.get("system"), str) and content["system"]:
        turns = (Message("system", content["system"]), *turns)
    common = read_common_keys(content)
    exchanges = list(iter_exchanges(turns))
    if not exchanges:
        return [RawExchange(messages=turns, response_missing=True, **common)]
    if len(exchanges) > 1:
        # Exchanges of a conversation depend on each other.
        common["end_user"] = common["end_user"] or common["exchange_id"] or _digest(turns)
    exchange_id = common.pop("exchange_id")
    return [
        RawExchange(
            index=number,
            messages=messages,
            response=response,
            exchange_id=f"{exchange_id}/{number}" if exchange_id and number else exchange_id,
            **common,
        )
        for number, (messages, response) in enumerate(exchanges)
    ]


def _digest(turns: tuple[Message, ...]) -> str:
    return f"conversation-{blake2b(msgspec.json.encode(turns), digest_size=8).hexdigest()}"


SHAREGPT = Shape(
    "ShareGPT", _matches, _read, remark="each turn of the assistant is an exchange of its own"
)
