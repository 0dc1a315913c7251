"""Files of OpenAI's Batch API: the input, its output, and both joined by ``custom_id``.

By OpenAI's documentation ("Batch API"): a line of the input is ``{"custom_id", "method", "url",
"body"}``; a line of the output, or of the file of errors, ``{"id", "custom_id", "response":
{"status_code", "request_id", "body"}, "error"}``. The output has no prompts, and its order is not
the input's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from monitor.errors import InputError, RecordError
from monitor.input_files import InputSource
from monitor.input_files.source import SourcePart
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.formats import FORMATS
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import IgnoredParts, RecordPart

#: Ends of the addresses that respond with texts.
_ADDRESSES = ("/chat/completions", "/completions", "/responses")


def is_input(content: Object) -> bool:
    """Return whether an object is a line of an input."""
    return "custom_id" in content and isinstance(content.get("body"), dict)


def is_output(content: Object) -> bool:
    """Return whether an object is a line of an output, or of a file of errors."""
    return (
        "custom_id" in content
        and "body" not in content
        and bool({"response", "error"} & content.keys())
    )


def _read_input(content: Object) -> Sequence[RecordPart]:
    """Read a request; with ``response`` of a joined line, the exchange."""
    if not str(content.get("url") or _ADDRESSES[0]).rstrip("/").endswith(_ADDRESSES):
        return [IgnoredParts()]
    line: dict[str, Any] = {"id": content["custom_id"], "request": content["body"]}
    if "response" in content:
        line["response"] = content["response"]
    parts = FORMATS["openai"].read(Payload.of(line))
    if parts is None:
        raise RecordError("unknown_format", "the body has no `messages`, `input` or `prompt`")
    return parts


@dataclass(frozen=True)
class JoinedBatch(InputSource):
    """The lines of an input, each with the response of its ``custom_id``.

    A request without a response has none; a failed one has its error. The outputs are held in
    memory: OpenAI limits a batch to 50,000 requests.
    """

    def values(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of the input from number ``start`` on, with their numbers from 0.

        Raises:
            InputError: An id occurs twice, or an output has an id that the input doesn't have.
        """
        inputs, outputs = _sides(self)
        return islice(enumerate(_join(inputs[0], outputs, self.label)), start, None)


def join_batch(file: InputSource) -> InputSource:
    """Return an input and its outputs as one source; another source unchanged.

    Raises:
        InputError: There are outputs, and not one input.
    """
    if len(file.parts) < 2 or isinstance(file, JoinedBatch):
        return file
    inputs, outputs = _sides(file)
    if not outputs or len(inputs) + len(outputs) < len(file.parts):
        return file
    if len(inputs) != 1:
        raise InputError(
            f"{file.label}: {len(inputs)} inputs of a batch among its files; give one input with "
            "its outputs",
            code="inputs_of_batch",
        )
    return JoinedBatch(file.path, file.parts)


def _sides(file: InputSource) -> tuple[list[SourcePart], list[SourcePart]]:
    """Return the inputs and the outputs among the files, by their first lines."""
    first = [_object(next(part.values(), b"")) for part in file.parts]
    pairs = list(zip(file.parts, first, strict=True))
    return (
        [part for part, content in pairs if is_input(content)],
        [part for part, content in pairs if is_output(content)],
    )


def _join(part: SourcePart, outputs: Sequence[SourcePart], label: str) -> Iterator[bytes]:
    responses: dict[str, bytes] = {}
    for output in outputs:
        for line in output.values():
            content = _object(line)
            custom_id = str(content.get("custom_id"))
            if line.strip() and custom_id in responses:
                raise _twice(custom_id, output.label)
            if line.strip():
                responses[custom_id] = msgspec.json.encode(_response(content))
    joined: set[str] = set()
    for line in part.values():
        content = _object(line)
        if not is_input(content):
            yield line  # blank or no request: for the reader to report
            continue
        custom_id = str(content["custom_id"])
        if custom_id in joined:
            raise _twice(custom_id, part.label)
        joined.add(custom_id)
        body = responses.get(custom_id)
        response = None if body is None else msgspec.Raw(body)
        yield msgspec.json.encode({**content, "response": response})
    unknown = responses.keys() - joined
    if unknown:
        raise InputError(
            f"{label}: {len(unknown):,} custom_ids of the output are not in the input, such as "
            f"{min(unknown)!r}; give the input and the output of one batch",
            code="unknown_custom_id",
        )


def _twice(custom_id: str, label: str) -> InputError:
    return InputError(
        f"{label}: two lines have the custom_id {custom_id!r}; give the files of one batch",
        code="duplicate_custom_id",
    )


def _object(line: bytes) -> dict[str, Any]:
    try:
        content = parse_json(line)
    except RecordError:
        return {}
    return content if isinstance(content, dict) else {}


def _response(content: dict[str, Any]) -> Any:
    """Return the body of a response; for a failed request, its error."""
    response = content.get("response") or {}
    body = response.get("body") if isinstance(response, dict) else None
    if content.get("error") or not isinstance(body, dict):
        return {"error": content.get("error") or {"code": "no_response"}}
    return body


BATCH = Shape(
    "OpenAI batch",
    lambda content: is_input(content) and "response" in content,
    _read_input,
    remark="requests and responses joined by custom_id",
)
BATCH_INPUT = Shape(
    "input of an OpenAI batch",
    lambda content: is_input(content) and "response" not in content,
    _read_input,
    remark="prompts only; for responses give its output too: INPUT+OUTPUT, such as "
    "input.jsonl+output.jsonl",
)
BATCH_OUTPUT = Shape(
    "output of an OpenAI batch",
    is_output,
    lambda _: [],
    problem=lambda _: (
        "the output of a batch has no prompts; give its input too: INPUT+OUTPUT, "
        "such as input.jsonl+output.jsonl"
    ),
)
