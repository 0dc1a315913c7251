"""Images in messages: left out of the text, and counted."""

import json
from typing import Any

import pytest

from monitor.input_files.source import source_of_bytes
from monitor.settings import Traffic
from monitor.traffic.exchange import Message
from monitor.traffic.files.reading import FileContent, read_exchanges
from monitor.traffic.formats.schemas.gen_ai_messages import read_inputs
from monitor.windows.findings.file_remarks import remarks_on_files
from monitor.windows.reading.files import unembedded_files
from tests.support.traffic.record_batches import NOW

TEXT = {"type": "text", "text": "What is this?"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}
MEDIA = {"type": "blob", "modality": "image", "content": ""}


def turn(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def read(*lines: dict[str, Any]) -> FileContent:
    content = "\n".join(map(json.dumps, lines)).encode()
    source = source_of_bytes(content, "file")
    return read_exchanges(source, Traffic(), default_model="", redactor=None)


@pytest.mark.parametrize(
    "line",
    [
        {"prompt": turn(TEXT, IMAGE), "response": "a cat"},
        {"messages": [*turn(TEXT, IMAGE, IMAGE), {"role": "assistant", "content": "a cat"}]},
        {"question": json.dumps(turn(IMAGE, TEXT)), "answer": "a cat"},
    ],
)
def test_images_beside_a_text_are_left_out(line: dict[str, Any]) -> None:
    (exchange,) = read(line).exchanges
    assert (exchange.prompt, exchange.n_other_parts > 0) == ("What is this?", True)


def test_a_message_of_an_image_alone_is_not_empty() -> None:
    (exchange,) = read({"prompt": turn(IMAGE), "response": "a cat"}).exchanges
    assert (exchange.prompt, exchange.n_other_parts) == ("[image_url]", 1)


def test_a_remark_counts_the_prompts_with_images() -> None:
    lines = [{"prompt": turn(TEXT, IMAGE), "response": "a"}, {"prompt": "Hello", "response": "b"}]
    sources = [source_of_bytes(b"", name) for name in ("a", "b")]
    sides = unembedded_files(sources, [read(*lines), read(lines[1])])
    remarks = remarks_on_files(sides, field="", now=NOW)
    assert [remark for remark in remarks if "in 1 prompt of a" in remark]
    assert not [remark for remark in remarks if "of b, are left out" in remark]


@pytest.mark.parametrize(
    ("parts", "text"),
    [([{"type": "text", "content": "Hi"}, MEDIA], "Hi"), ([MEDIA], "[image]")],
)
def test_media_of_opentelemetry_are_left_out_and_counted(parts: list[Any], text: str) -> None:
    assert read_inputs([{"role": "user", "parts": parts}]) == (Message("user", text, 1),)
