"""Rows that look like exchanges and are not: single messages, texts of whole conversations."""

import re
from collections.abc import Sequence

from monitor.errors import InputError
from monitor.traffic.files.shapes.column_names import normalize
from monitor.traffic.files.shapes.columns import Columns
from monitor.traffic.files.shapes.shape import Object
from monitor.traffic.files.shapes.turns import are_turns, read_sender

#: Names of a column that says who wrote a message.
_SENDERS = frozenset(
    ("role", "sender", "speaker", "from", "author", "author_role", "sender_type", "message_type")
)
#: What chat templates write before a response.
_TEMPLATES = re.compile(
    r"#{2,} ?(Response|Assistant|Output)\b|<\|im_start\|>assistant|\[/INST\]|<start_of_turn>model"
    r"|<\|start_header_id\|>assistant|<\|assistant\|>|(^|\n)(Assistant|AI|GPT|Chatbot): ",
)


def refuse_single_messages(rows: Sequence[Object], source: str) -> None:
    """Refuse rows of which each is one message, the user's or the assistant's.

    Raises:
        InputError: At least half of the rows have a sender, and one of them is the assistant.
    """
    senders = [
        read_sender(value)
        for row in rows
        for key, value in row.items()
        if isinstance(value, str) and normalize(key) in _SENDERS
    ]
    known = [role for role in senders if role in {"system", "user", "assistant", "tool"}]
    if "assistant" in known and len(known) * 2 >= len(rows):
        raise InputError(
            f"{source}: each line is one message of a conversation; write one conversation a line: "
            '{"messages": [{"role": "user", "content": ...}, ...]}',
            code="single_messages",
        )


def refuse_enclosed_rows(rows: Sequence[Object], source: str) -> None:
    """Refuse a single object that holds all rows: in a list, or column by column as pandas writes.

    Raises:
        InputError: The object is the only one, and has such lists or columns.
    """
    if len(rows) != 1:
        return
    for key, value in rows[0].items():
        is_list = isinstance(value, list) and len(value) > 1 and not are_turns(value)
        if is_list and all(isinstance(entry, dict) for entry in value):
            raise InputError(
                f"{source}: one object with {len(value):,} rows in {key!r}; write the rows alone: "
                f"`jq '.[\"{key}\"]' FILE`",
                code="enclosed_rows",
            )
    if _are_columns(list(rows[0].values())) or {"columns", "data"} <= rows[0].keys():
        raise InputError(
            f"{source}: one object of columns, as pandas writes it by default; write rows: "
            "`frame.to_json(path, orient='records', lines=True)`",
            code="enclosed_rows",
        )


def _are_columns(values: Sequence[object]) -> bool:
    """Return whether values are columns: several objects with the same keys, all row labels."""
    columns = [value for value in values if isinstance(value, dict)]
    return (
        len(columns) == len(values) > 0
        and all(column.keys() == columns[0].keys() for column in columns)
        and "0" in columns[0]
    )


def refuse_rendered_conversations(rows: Sequence[Object], columns: Columns, source: str) -> None:
    """Refuse prompts that hold their response, as a chat template renders both into one text.

    Raises:
        InputError: There is no response, and at least half of the prompts have a template's mark.
    """
    if columns.response or not columns.prompt:
        return
    texts = [str(row.get(columns.prompt) or "") for row in rows]
    marks = [mark for mark in map(_TEMPLATES.search, texts) if mark is not None]
    if len(marks) * 2 >= len(texts):
        raise InputError(
            f"{source}: {columns.prompt!r} holds prompt and response in one text (after "
            f'{marks[0][0].strip()!r}); write them apart: {{"prompt": ..., "response": ...}}',
            code="rendered_conversations",
        )
