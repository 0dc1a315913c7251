"""Stratified draws, repeatable from a seed."""

import random
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from retrain.data.example import Example

Stratum = TypeVar("Stratum", bound=Hashable)


def draw_evenly_by_task_type(pool: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Yield a pool in turns over its task types until each is exhausted.

    Every prefix is as even over task types as the pool allows.
    """
    strata: dict[str, list[Example]] = defaultdict(list)
    for example in pool:
        strata[example.task_type].append(example)
    queues = [strata[name] for name in sorted(strata)]
    for queue in queues:
        rng.shuffle(queue)
    rng.shuffle(queues)
    while any(queues):
        for queue in queues:
            if queue:
                yield queue.pop()


def allocate_proportionally(sizes: Mapping[Stratum, int], total: int) -> dict[Stratum, int]:
    """Allocate a total in proportion to sizes, by the largest remainders.

    Example:
        >>> allocate_proportionally({"a": 50, "b": 30, "c": 5}, 9)
        {'a': 5, 'b': 3, 'c': 1}
    """
    whole = sum(sizes.values())
    exact = {name: total * size / whole for name, size in sizes.items()}
    shares = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(sizes, key=lambda name: (shares[name] - exact[name], str(name)))
    for name in by_remainder[: total - sum(shares.values())]:
        shares[name] += 1
    return shares
