"""Tokens of conversations, as the base model's tokenizer and chat template make them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

#: Conversations tokenised at once.
_BATCH = 1024


class TokenCounter:
    """Counts with a tokenizer of transformers, loaded when the first conversation is counted."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    @cached_property
    def _tokenizer(self) -> Any:
        return self._load()

    def __call__(self, conversations: Sequence[Sequence[dict[str, str]]]) -> list[int]:
        """Return the number of tokens of each, the chat template's included."""
        lengths: list[int] = []
        for first in range(0, len(conversations), _BATCH):
            encoded = self._tokenizer.apply_chat_template(
                [list(one) for one in conversations[first : first + _BATCH]],
                tokenize=True,
                return_dict=True,
            )
            lengths += [len(ids) for ids in encoded["input_ids"]]
        return lengths
