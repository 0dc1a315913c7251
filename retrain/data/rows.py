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

    ``path`` is a file, a folder of data files, or ``-``. ``render`` converts a row of another form
    to a conversation.

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
    """Raise ``InputError`` unless a row is a conversation that ends with a response."""
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


def check_turns(row: Any) -> None:
    """Refuse what would be trained otherwise than its author meant.

    Raises:
        InputError: The row calls tools, has content in parts, a turn that isn't to be trained, or a
            turn without text.
    """
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list):
        return
    turns = [turn for turn in messages if isinstance(turn, dict)]
    if row.get("tools"):
        raise InputError('"tools": examples with tools can\'t be trained', code="tools")
    for turn in turns:
        if turn.get("tool_calls") or turn.get("role") in {"tool", "function"}:
            raise InputError("a call of a tool: it can't be trained", code="tools")
        content = turn.get("content")
        if isinstance(content, list):
            raise InputError(
                '"content" is a list of parts: write its text as one string', code="content_parts"
            )
        if turn.get("role") == "assistant" and turn.get("weight") not in {None, 1}:
            raise InputError(
                f'a turn with "weight": {turn["weight"]}: every turn of the assistant is trained; '
                "leave the conversation out, or remove the weight",
                code="turn_weight",
            )
        if turn.get("role") == "user" and isinstance(content, str) and not content.strip():
            raise InputError("a user's message without text", code="blank_prompt")
