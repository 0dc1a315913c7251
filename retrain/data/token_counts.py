"""Token counts of conversations by the base model's tokenizer and chat template."""

from collections.abc import Sequence
from typing import Any

from retrain.models.chat_template import encode

#: Conversations per batch.
_BATCH = 1024


class TokenCounter:
    """A token counter with a tokenizer of transformers."""

    def __init__(self, tokenizer: Any, chat_template: str | None = None) -> None:
        """``chat_template`` replaces the tokenizer's."""
        self._tokenizer = tokenizer
        self._options = {"chat_template": chat_template} if chat_template else {}

    def __call__(self, conversations: Sequence[Sequence[dict[str, str]]]) -> list[int]:
        """Return the number of tokens of each conversation, including the chat template's.

        Raises:
            InputError: The chat template refuses conversations.
        """
        lengths: list[int] = []
        for first in range(0, len(conversations), _BATCH):
            encoded = encode(
                self._tokenizer, conversations[first : first + _BATCH], **self._options
            )
            lengths += [len(ids) for ids in encoded["input_ids"]]
        return lengths
