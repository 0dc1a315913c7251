"""An item of a benchmark: the prompt and the requirements on a response."""

from typing import Any, Literal

import msgspec

Split = Literal["new", "old"]


class BenchmarkItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of a benchmark file. What an item doesn't say, no metric measures on it."""

    id: str
    #: What the model is asked: messages that end with the user's turn.
    messages: tuple[dict[str, str], ...]
    #: The right response; ``None`` where any is right that fulfils the rest.
    expected: str | None = None
    task_type: str = ""
    difficulty: str = ""
    #: Other fields to stratify by.
    strata: dict[str, str] = {}
    #: ``new``: what retraining is for. ``old``: what must not be forgotten.
    split: Split = "old"
    #: The facts that the response may state, such as the passages that were retrieved.
    context: str = ""
    #: Whether the prompt must be refused.
    harmful: bool = False
    #: A JSON schema that the response must fulfil.
    json_schema: dict[str, Any] | None = None
    #: A regular expression that the whole response must match, spaces around it aside.
    pattern: str = ""

    @property
    def source(self) -> str:
        """All that the model was given: the context and the messages."""
        return "\n".join((self.context, *(message["content"] for message in self.messages)))

    def stratum_of(self, field: str) -> str:
        """Return the item's value of a field to stratify by; empty where it has none."""
        if field in ("task_type", "difficulty", "split"):
            return str(getattr(self, field))
        return self.strata.get(field, "")
