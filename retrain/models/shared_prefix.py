"""Prompts that begin alike: batches of them, and their common tokens, computed once."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

#: Conversations with equal first messages that get batches of their own.
MIN_ALIKE = 4
#: Common tokens from which on a pass of their own pays.
MIN_PREFIX = 16

Conversation = Sequence[dict[str, str]]


def batch_alike(
    conversations: Sequence[Conversation], encoded: Sequence[Sequence[int]], size: int
) -> list[list[int]]:
    """Return the indices of each batch: similar lengths, and where possible the same beginning.

    All messages but the last are the beginning.
    """
    beginnings = [repr(list(conversation[:-1])) for conversation in conversations]
    counts = Counter(beginnings)
    groups: dict[str, list[int]] = {}
    for index, beginning in enumerate(beginnings):
        name = beginning if counts[beginning] >= MIN_ALIKE else ""
        groups.setdefault(name, []).append(index)
    batches = []
    for group in groups.values():
        order = sorted(group, key=lambda index: (len(encoded[index]), index))
        batches += [order[begin : begin + size] for begin in range(0, len(order), size)]
    return batches


def common_prefix(encoded: Sequence[Sequence[int]]) -> list[int]:
    """Return the tokens with which all prompts begin; at least one of each prompt is left out.

    Empty for a single prompt, and where there are too few to save anything.
    """
    if len(encoded) < 2:
        return []
    longest = min(len(tokens) for tokens in encoded) - 1
    first = encoded[0]
    n = next(
        (at for at in range(longest) if any(tokens[at] != first[at] for tokens in encoded[1:])),
        longest,
    )
    return list(first[:n]) if n >= MIN_PREFIX else []


def compute_prefix(model: Any, prefix: Sequence[int], n: int) -> Any:
    """Return the keys and values of a prefix, for ``n`` prompts.

    ``None`` for a model whose cache can't be repeated as it is, such as one with sliding windows.
    """
    import torch  # noqa: PLC0415 - heavy
    from transformers import DynamicCache  # noqa: PLC0415
    from transformers.cache_utils import DynamicLayer  # noqa: PLC0415

    tokens = torch.tensor([list(prefix)], device=model.device)
    cache: Any = getattr(model(input_ids=tokens, use_cache=True), "cache", None)
    if type(cache) is not DynamicCache:
        return None
    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        return None
    cache.batch_repeat_interleave(n)
    return cache
