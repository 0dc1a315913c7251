"""Columns that all rows of a batch have in common before a response."""

from typing import Any

import pytest

from retrain.models.shared_prefix import MIN_PREFIX

pytestmark = pytest.mark.language_model
N = MIN_PREFIX + 2


def n_common(rows: list[list[int]], first_response: int, **values: Any) -> int:
    import torch

    from retrain.training.response_loss import n_common_columns

    tokens = torch.tensor(rows)
    inputs = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)} | values
    return n_common_columns(inputs, torch.arange(first_response, tokens.shape[1]))


def head_and(*tokens: int) -> list[int]:
    return [*range(N), *tokens]


def test_equal_columns_count_up_to_the_first_difference() -> None:
    assert N + 1 == n_common([head_and(7, 1, 2), head_and(7, 3, 2)], N + 1)


def test_columns_of_a_response_are_never_common() -> None:
    assert N - 1 == n_common([head_and(1, 1, 1), head_and(1, 1, 1)], N - 1)


def test_single_prompts_and_short_prefixes_are_not_shared() -> None:
    assert 0 == n_common([head_and(1, 2, 3)], N)
    assert 0 == n_common([[1, 1, 2, 3], [1, 1, 4, 5]], 3)


def test_padding_is_not_common() -> None:
    import torch

    rows = [head_and(1, 2), head_and(1, 3)]
    padded = torch.ones(2, N + 2, dtype=torch.long)
    padded[0, 0] = 0
    assert 0 == n_common(rows, N, attention_mask=padded)


def test_packed_rows_share_nothing() -> None:
    import torch

    rows = [head_and(1, 2), head_and(1, 3)]
    assert 0 == n_common(rows, N, position_ids=torch.arange(N + 2).expand(2, -1))
