"""Training examples with comparison keys."""

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

#: Additional key of a row: ``name=value`` of end user, session or conversation. Never written.
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
        """The task type; empty: none."""
        return str(self.metadata.get("task_type") or "")

    @property
    def known_messages(self) -> tuple[Message, ...]:
        """The messages, without a response that is generated later."""
        return self.messages[:-1] if self.source == "self-generated" else self.messages

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
        """Key of the prompt without the system prompt, which may have changed."""
        return question_key(self.messages[:-1])

    @cached_property
    def whole_key(self) -> str:
        """Key of prompt and response."""
        return _key(self.messages)

    @cached_property
    def question(self) -> str:
        """The prompt without the system prompt as one text, for encoders and phrases."""
        return question_text(self.messages[:-1])

    @cached_property
    def instructions(self) -> str:
        """The system prompt."""
        return "\n".join(m["content"] for m in self.messages if m["role"] == "system")

    @cached_property
    def opening(self) -> str:
        """Key of the first turn and its response, which rows of one conversation share."""
        return _key([message for message in self.messages if message["role"] != "system"][:2])

    @cached_property
    def order(self) -> str:
        """Sort key that makes the result independent of the input's order."""
        return hashlib.sha256(canonical(self.as_row()).encode()).hexdigest()

    @property
    def name(self) -> str:
        """The review item, the row's id or its digest."""
        return name_of(self.as_row())

    def as_row(self) -> Row:
        """Return the row in its written form."""
        return {
            "messages": list(self.messages),
            "metadata": {**self.metadata, "source": self.source},
        }


def make_examples(rows: Iterable[Row], source: Source, group_by: Sequence[str]) -> list[Example]:
    """Validate rows and convert them to examples, in an order determined by their content.

    A row is ``{"messages", "metadata"}``, optionally with ``group_keys`` (``["user=..."]``);
    ``group_by`` has the metadata keys of end user, session or conversation.

    Raises:
        InputError: A row is not a conversation that ends with a response.
    """
    matches = []
    for row in rows:
        check_row(row)
        matches.append(_example(row, source, group_by))
    return sorted(matches, key=lambda example: example.order)


def make_unanswered_examples(rows: Iterable[Row], group_by: Sequence[str]) -> list[Example]:
    """Convert prompts to examples with empty responses, to be generated later."""
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
    """Return the name of a written row. See :attr:`Example.name`.

    It never contains the id of the exchange, because a card is kept after the erasure of an end
    user's exchanges.
    """
    metadata = row["metadata"]
    if metadata.get("item_id") is not None:
        return f"item {metadata['item_id']}"
    return str(metadata.get("id") or f"{metadata['source']} {_key(row['messages'])[:12]}")


def normalised(text: str) -> str:
    """Return a text in NFC with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def question_key(messages: Sequence[Message]) -> str:
    """Return the key of a prompt without the system prompt."""
    return _key([message for message in messages if message["role"] != "system"])


def question_text(messages: Sequence[Message]) -> str:
    """Return a prompt without the system prompt as one text."""
    return "\n".join(
        normalised(message["content"]) for message in messages if message["role"] != "system"
    )


def _key(messages: Sequence[Message]) -> str:
    turns = [[message["role"], normalised(message["content"])] for message in messages]
    return hashlib.sha256(canonical({"turns": turns}).encode()).hexdigest()
