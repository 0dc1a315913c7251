"""Equal prompts on both sides: when exchanges are compared in pairs."""

import numpy as np
import pytest

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.equal_prompts import pair_exchanges


def side(prompts, users=(), task_type="") -> Exchanges:
    n = len(prompts)
    return Exchanges(
        prompts=[f"Prompt {number}?" for number in prompts],
        responses=["So."] * n,
        task_types=[task_type] * n,
        attributes=[{}] * n,
        prompt_vectors=np.ones((n, 1), np.float32),
        response_vectors=np.ones((n, 1), np.float32),
        end_users=list(users),
    )


@pytest.mark.parametrize(
    ("reference", "current", "n_pairs"),
    [
        (range(100), range(99, -1, -1), 100),
        (range(100), range(5, 105), 95),
        (range(100), range(20, 120), None),  # a fifth differs
        (range(1_000), range(100), None),  # a part of the baseline's
        ([*range(100)] * 3, range(100), 100),
        ([*range(100)] * 4, range(100), None),  # more than half of a side without a partner
        ([0] * 900 + [*range(100)], [0] * 900 + [*range(100)], None),  # hardly another prompt
        (range(40), range(40), None),
    ],
)
def test_prompts_are_paired_where_nearly_all_are_equal(reference, current, n_pairs) -> None:
    pairs = pair_exchanges(side(reference), side(current))
    assert (None if pairs is None else len(pairs)) == n_pairs


def test_end_users_and_task_types_decide_too() -> None:
    numbers = range(120)
    few, many = ([f"u{number % n}" for number in numbers] for n in (30, 60))
    assert pair_exchanges(side(numbers, few), side(numbers, few)) is None
    pairs = pair_exchanges(side(numbers, many), side(numbers, many))
    assert pairs is not None
    assert pairs.n_effective_units == 60
    assert pair_exchanges(side(numbers), side(numbers, task_type="summary")) is None
