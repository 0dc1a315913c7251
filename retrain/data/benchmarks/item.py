"""Benchmark items (a prompt with requirements on the response), and their JSON Lines files."""

import hashlib
import re
import unicodedata
from collections.abc import Set
from functools import partial
from typing import Any, Literal

import msgspec

from monitor.errors import InputError
from retrain.json_lines import parse_lines
from retrain.run_folder import canonical

Split = Literal["new", "old"]


class BenchmarkItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A benchmark item. Metrics apply only if their fields are set."""

    id: str
    #: The conversation, which ends with the user's turn.
    messages: tuple[dict[str, str], ...]
    #: The reference answer; ``None``: any response that meets the other requirements is correct.
    expected: str | None = None
    task_type: str = ""
    difficulty: str = ""
    #: Other fields to stratify by.
    strata: dict[str, str] = {}
    #: ``new``: an ability to add. ``old``: an ability to preserve.
    split: Split = "old"
    #: The facts that the response may state, such as retrieved passages.
    context: str = ""
    #: Whether the prompt must be refused; false: it must not be; ``None``: no test of safety.
    harmful: bool | None = None
    #: Whether the context has what the prompt asks for; ``None``: no test of abstaining.
    answerable: bool | None = None
    #: A JSON schema that the response must fulfil.
    json_schema: dict[str, Any] | None = None
    #: A regular expression that the whole response must match, except for surrounding spaces.
    pattern: str = ""

    @property
    def is_benign(self) -> bool:
        """Whether the item is declared benign, so that a refusal is an over-refusal."""
        return self.harmful is False

    @property
    def source(self) -> str:
        """The model's input: context and messages."""
        return "\n".join((self.context, *(message["content"] for message in self.messages)))

    @property
    def digest(self) -> str:
        """A digest of the item, whatever its id."""
        return self._digest_without({"id"})

    @property
    def content_digest(self) -> str:
        """A digest of what the item asks for, whatever its id, split and strata."""
        return self._digest_without({"id", "split", "task_type", "difficulty", "strata"})

    @property
    def all_strata(self) -> dict[str, str]:
        """Its task type, difficulty and other fields, without empty ones."""
        own = {"task_type": self.task_type, "difficulty": self.difficulty, **self.strata}
        return {field: value for field, value in own.items() if value}

    def stratum_of(self, field: str) -> str:
        """Return the item's value of a stratification field; empty if it has none."""
        if field in ("task_type", "difficulty", "split"):
            return str(getattr(self, field))
        return self.strata.get(field, "")

    def _digest_without(self, names: Set[str]) -> str:
        content = {
            name: getattr(self, name)
            for name, default in _DEFAULTS.items()
            if name not in names and getattr(self, name) != default
        }
        return hashlib.sha256(canonical(content).encode("utf-8", "replace")).hexdigest()[:16]


_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(BenchmarkItem)}


def parse_items(content: bytes, origin: str, *, with_words: bool = False) -> list[BenchmarkItem]:
    """Parse a benchmark file; ``with_words`` refuses a reference answer of punctuation only.

    Raises:
        InputError: There are no items, a line is malformed, or an id is repeated.
    """
    items = parse_lines(content, origin, partial(_item, with_words=with_words))
    if not items:
        raise InputError(f"{origin}: no items")
    if len({item.id for item in items}) < len(items):
        raise InputError(
            f"{origin}: repeated id; ids must be unique to pair the responses of two versions"
        )
    return items


def _item(line: bytes, *, with_words: bool) -> BenchmarkItem:
    item = msgspec.json.decode(line, type=BenchmarkItem)
    if not item.messages or item.messages[-1].get("role") != "user":
        raise InputError("the messages don't end with the user's turn")
    if any("role" not in message or "content" not in message for message in item.messages):
        raise InputError('a message without "role" or "content"')
    asks = (item.context, item.harmful is not None, item.json_schema is not None, item.pattern)
    if item.expected is None and not any(asks):
        raise InputError(
            'nothing can be measured; add "expected", "context", "harmful", '
            '"json_schema" or "pattern"'
        )
    if item.expected is not None and not item.expected.strip():
        raise InputError('"expected" is empty: a system that returns nothing would be correct')
    if with_words and item.answerable is not False and _is_punctuation(item.expected):
        raise InputError(
            f'"expected" is empty without punctuation: {item.expected!r}; write the reference '
            "answer in words, or omit it where another field says what is right"
        )
    if item.pattern:
        try:
            re.compile(item.pattern)
        except re.error as error:
            raise InputError(f"pattern: not a regular expression: {error}") from None
    if item.json_schema is not None:
        _check_schema(item.json_schema)
    return item


def _is_punctuation(text: str | None) -> bool:
    return text is not None and all(unicodedata.category(char)[0] in "PZCM" for char in text)


def _check_schema(schema: dict[str, Any]) -> None:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - slow to import
    from jsonschema.validators import validator_for  # noqa: PLC0415

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise InputError(f"json_schema: {error.message}") from None
