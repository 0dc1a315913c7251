"""OpenTelemetry's GenAI conventions in OTLP: messages of log records or spans.

JSON and protobuf, as the Collector's Kafka exporter writes them (``otlp_json``, ``otlp_proto``).
Supported are the event ``gen_ai.client.inference.operation.details``, spans of model calls, and
older conventions: one event per message, texts in span events, texts in numbered attributes. A call
without captured texts is withheld; everything else in a message is ignored.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.formats.otlp.envelope import encode_message
from monitor.traffic.formats.otlp.item import OtlpItem
from monitor.traffic.formats.otlp.json_records import read_json
from monitor.traffic.formats.otlp.protobuf import NotOtlpError, read_protobuf
from monitor.traffic.formats.schemas import gen_ai_events as events
from monitor.traffic.formats.schemas.gen_ai_attributes import (
    MODELS,
    OPERATIONS,
    USERS,
    name_of,
    operation_of,
    own_attributes,
    read_call_metadata,
)
from monitor.traffic.formats.schemas.gen_ai_messages import (
    Output,
    read_inputs,
    read_instructions,
    read_outputs,
)
from monitor.traffic.formats.schemas.messages import read_message
from monitor.traffic.formats.schemas.numbered_attributes import flattened_message, read_flattened
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import (
    IgnoredParts,
    RawExchange,
    RecordPart,
    UnreadablePart,
    reported_version_metadata,
)

_DETAILS = "gen_ai.client.inference.operation.details"
_INPUTS, _OUTPUTS = "gen_ai.input.messages", "gen_ai.output.messages"
_PROMPT, _COMPLETION = "gen_ai.prompt", "gen_ai.completion"
_TEXTS = {_INPUTS, _OUTPUTS, _PROMPT, _COMPLETION}
#: Prefixes of numbered attributes: of the conversation, of the responses.
_NUMBERED = ((_PROMPT, _COMPLETION), ("llm.input_messages", "llm.output_messages"))
_NUMBERED_BEGIN = tuple(f"{prefix}.0." for pair in _NUMBERED for prefix in pair)


def read(payload: Payload) -> list[RecordPart] | None:
    """Read every model call of a message."""
    items = _items(payload)
    if items is None:
        return None
    parts: list[RecordPart] = [item for item in items if not isinstance(item, OtlpItem)]
    groups: dict[tuple[str, str], list[OtlpItem]] = defaultdict(list)
    n_ignored = 0
    for item in items:
        if not isinstance(item, OtlpItem):
            continue
        if item.kind == "log" and item.name in events.NAMES:
            groups[item.trace_id, item.span_id].append(item)
        elif _is_call(item):
            parts.append(_read_call([item]))
        else:
            n_ignored += 1
    parts += [_read_call(group) for group in groups.values()]
    parts += [IgnoredParts(n_ignored)] if n_ignored else []
    return parts


def _items(payload: Payload) -> Sequence[OtlpItem | UnreadablePart | IgnoredParts] | None:
    if payload.parse_error is None:
        return read_json(payload.object)
    try:
        return read_protobuf(payload.value)
    except NotOtlpError:
        return None


def _is_call(item: OtlpItem) -> bool:
    """Return whether a log record or span is a model call."""
    operation = operation_of(item.attributes)
    if operation is not None:
        in_question = item.kind == "span" or item.name in {_DETAILS, ""}
        return in_question and operation in OPERATIONS
    return (
        item.name == _DETAILS
        or any(name in _TEXTS or name.startswith(_NUMBERED_BEGIN) for name in item.attributes)
        or any(event.name in events.NAMES for event in item.events)
    )


def _read_call(items: Sequence[OtlpItem]) -> RecordPart:
    """Read a call from one item, or from the events of one span."""
    to_record = partial(encode_message, items[0].kind, [item.record for item in items])
    try:
        return _draft(items, to_record)
    except RecordError as error:
        return UnreadablePart(index=items[0].index, error=error, to_record=to_record)


def _draft(items: Sequence[OtlpItem], to_record: Any) -> RawExchange | IgnoredParts:
    item = items[0]
    is_event = item.kind == "log" and item.name in events.NAMES
    if is_event and not (item.trace_id and item.span_id):
        raise RecordError(
            "missing_join_id", f"`{item.name}` has no trace and span ids, so it can't be joined"
        )
    attributes = _attributes(items)
    messages, outputs = _texts(items, attributes)
    call_id = f"{item.trace_id}/{item.span_id}" if item.trace_id and item.span_id else ""
    response = outputs[0] if outputs else Output("")
    withheld = not any(message.content for message in messages) and not any(
        o.text for o in outputs or ()
    )
    if withheld and is_event and outputs is None:
        return IgnoredParts(len(items))  # the call is counted with its response
    ended = withheld or "error.type" in attributes
    return RawExchange(
        index=item.index,
        messages=messages,
        response=None if outputs is None and not ended else response.text,
        response_missing=not outputs,
        exchange_id=name_of(attributes, ("gen_ai.response.id",)) or call_id,
        join_id=call_id,
        trace_id=item.trace_id,
        timestamp=item.start_ns / 1e9 if item.start_ns else None,
        model=name_of(attributes, MODELS),
        end_user=name_of(attributes, USERS),
        call_metadata=read_call_metadata(
            item, attributes, finish_reason=response.finish_reason, refuses=response.refuses
        ),
        attributes={
            **reported_version_metadata(
                name_of(attributes, ("gen_ai.request.model",)),
                name_of(attributes, ("gen_ai.response.model",)),
            ),
            **own_attributes(attributes),
        },
        withheld=withheld,
        to_record=to_record,
    )


def _attributes(items: Sequence[OtlpItem]) -> dict[str, Any]:
    """Return the attributes of all items, and those in the body of a details event."""
    merged: dict[str, Any] = {}
    for item in items:
        for event in item.events:
            merged |= event.attributes if event.name == _DETAILS else {}
        if item.name == _DETAILS and isinstance(item.body, dict):
            merged |= item.body
        merged |= item.attributes
    return merged


def _texts(
    items: Sequence[OtlpItem], attributes: dict[str, Any]
) -> tuple[tuple[Message, ...], list[Output] | None]:
    """Return the conversation and the responses, by the newest convention in use."""
    messages: tuple[Message, ...] = ()
    outputs: list[Output] | None = None
    if attributes.get(_INPUTS) is not None:
        messages = read_inputs(attributes[_INPUTS])
    if attributes.get(_OUTPUTS) is not None:
        outputs = read_outputs(attributes[_OUTPUTS])
    if not messages and outputs is None:
        messages, outputs = _older_texts(items, attributes)
    return (*read_instructions(attributes.get("gen_ai.system_instructions")), *messages), outputs


def _older_texts(
    items: Sequence[OtlpItem], attributes: dict[str, Any]
) -> tuple[tuple[Message, ...], list[Output] | None]:
    logged = [
        (item.name, item.body if item.body is not None else item.attributes)
        for item in items
        if item.kind == "log" and item.name in events.NAMES
    ]
    logged += [
        (event.name, event.attributes)
        for item in items
        for event in item.events
        if event.name in events.NAMES
    ]
    if logged:
        conversation = events.read_events(logged)
        return conversation.messages, conversation.outputs
    if {_PROMPT, _COMPLETION} & attributes.keys():
        completion = attributes.get(_COMPLETION)
        return (
            events.read_prompt(attributes.get(_PROMPT)),
            None if completion is None else events.read_completion(completion),
        )
    return _numbered_texts(attributes)


def _numbered_texts(
    attributes: dict[str, Any],
) -> tuple[tuple[Message, ...], list[Output] | None]:
    for input_prefix, output_prefix in _NUMBERED:
        inputs = [
            flattened_message(message) for message in read_flattened(attributes, input_prefix)
        ]
        entries = read_flattened(attributes, output_prefix)
        if inputs or entries:
            responses = [
                (flattened_message(message), message.get("finish_reason")) for message in entries
            ]
            outputs = [
                Output(message.text, reason, message.refuses) for message, reason in responses
            ]
            return tuple(read_message(message) for message in inputs), outputs or None
    return (), None
