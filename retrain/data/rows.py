"""Rows of training files: conversations that end with the assistant's turn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from monitor.errors import InputError
from monitor.input_files import open_source
from retrain.json_lines import parse_source

Row = dict[str, Any]


def read_examples(path: Path, render: Callable[[Any], Any] | None = None) -> list[Row]:
    """Read training examples, strictly.

    Args:
        path: The file, a folder of data files, or ``-``.
        render: Converts a row of another form to a conversation.

    Raises:
        InputError: The file can't be read, or rows are invalid; the message has the first.
    """

    def parse(line: bytes) -> Row:
        row: Row = msgspec.json.decode(line)
        if render is not None:
            row = render(row)
        check_row(row)
        return row

    return parse_source(open_source(path), parse)


def check_row(row: Any) -> None:
    """Require that a row is a conversation that ends with a response.

    Raises:
        InputError: The row is invalid.
    """
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not messages:
        raise InputError('no "messages"')
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise InputError('a message without "content"')
        if message.get("role") not in {"system", "user", "assistant"}:
            raise InputError("a message with another role than system, user or assistant")
    if messages[-1]["role"] != "assistant" or not messages[-1]["content"].strip():
        raise InputError("the last message isn't the assistant's response")
    if len(messages) < 2:
        raise InputError("a response without a prompt")
    if not isinstance(row.get("metadata", {}), dict):
        raise InputError('"metadata" isn\'t an object')
