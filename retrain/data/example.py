"""A training example with its comparison keys."""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from retrain.data.rows import Row, check_row
from retrain.run_folder import canonical

Source = Literal["gold", "replay", "original", "self-generated"]
Message = dict[str, str]

#: Key of a row beside ``messages`` and ``metadata``: ``name=value`` of who asked. Never written.
GROUP_KEYS = "group_keys"


@dataclass(frozen=True, eq=False)
class Example:
    """A training example. Equality is identity; texts are compared by the keys below."""

    messages: tuple[Message, ...]
    metadata: dict[str, Any]
    source: Source
    #: Keys of end user, session or conversation. Examples that share one stay together.
    group_keys: tuple[str, ...] = ()

    @property
    def task_type(self) -> str:
        """The task type; empty where none is named."""
        return str(self.metadata.get("task_type") or "")

    @property
    def response(self) -> str:
        """The normalized response."""
        return normalised(self.messages[-1]["content"])

    @cached_property
    def prompt_key(self) -> str:
        """Key of the prompt, with the system prompt."""
        return _key(self.messages[:-1])

    @cached_property
    def question_key(self) -> str:
        """Key of the question, without the system prompt, which may have changed."""
        return question_key(self.messages[:-1])

    @cached_property
    def whole_key(self) -> str:
        """Question and response."""
        return _key(self.messages)

    @cached_property
    def question(self) -> str:
        """The question as one text, for encoders and phrases."""
        return question_text(self.messages[:-1])

    @cached_property
    def opening(self) -> str:
        """The first turn and its response: two rows of one conversation share it."""
        return _key([message for message in self.messages if message["role"] != "system"][:2])

    @cached_property
    def order(self) -> str:
        """Sort key that makes the result independent of the input's order."""
        return hashlib.sha256(canonical(self.as_row()).encode()).hexdigest()

    @property
    def name(self) -> str:
        """The name by which it is found: the review item, the row's id or its digest."""
        return name_of(self.as_row())

    def as_row(self) -> Row:
        """Return the row as it is written."""
        return {
            "messages": list(self.messages),
            "metadata": {**self.metadata, "source": self.source},
        }


def make_examples(rows: Iterable[Row], source: Source, group_by: Sequence[str]) -> list[Example]:
    """Validate rows and make them examples, in an order that depends on their content alone.

    Args:
        rows: ``{"messages", "metadata"}``, and ``group_keys`` (``["user=..."]``) where it is known.
        source: Source of the rows.
        group_by: Keys of their metadata that name a user, a session or a conversation.

    Raises:
        InputError: A row is no conversation that ends with a response.
    """
    matches = []
    for row in rows:
        check_row(row)
        matches.append(_example(row, source, group_by))
    return sorted(matches, key=lambda example: example.order)


def make_unanswered_examples(rows: Iterable[Row], group_by: Sequence[str]) -> list[Example]:
    """Make prompts examples whose responses are still to be generated, and empty until then."""
    pending: Message = {"role": "assistant", "content": ""}
    matches = [
        _example({**row, "messages": [*row["messages"], pending]}, "self-generated", group_by)
        for row in rows
    ]
    return sorted(matches, key=lambda example: example.order)


def _example(row: Row, source: Source, group_by: Sequence[str]) -> Example:
    metadata = {key: value for key, value in row.get("metadata", {}).items() if key != "source"}
    named = [f"{key}={metadata[key]}" for key in group_by if metadata.get(key)]
    named += row.get(GROUP_KEYS, ())
    messages = tuple({"role": m["role"], "content": m["content"]} for m in row["messages"])
    return Example(messages, metadata, source, tuple(named))


def name_of(row: Row) -> str:
    """Return the name by which a written row is found. See :attr:`Example.name`.

    Never by the id of the exchange: a card outlives the erasure of an end user's exchanges.
    """
    metadata = row["metadata"]
    if metadata.get("item_id") is not None:
        return f"item {metadata['item_id']}"
    return str(metadata.get("id") or f"{metadata['source']} {_key(row['messages'])[:12]}")


def normalised(text: str) -> str:
    """Return a text in NFC with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def question_key(messages: Sequence[Message]) -> str:
    """Return the key of a question, without the system prompt."""
    return _key([message for message in messages if message["role"] != "system"])


def question_text(messages: Sequence[Message]) -> str:
    """Return the question as one text, without the system prompt."""
    return "\n".join(
        normalised(message["content"]) for message in messages if message["role"] != "system"
    )


def _key(messages: Sequence[Message]) -> str:
    turns = [[message["role"], normalised(message["content"])] for message in messages]
    return hashlib.sha256(canonical({"turns": turns}).encode()).hexdigest()
