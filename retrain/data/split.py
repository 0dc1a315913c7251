"""Training and validation split by group."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrain.data.duplicates.near import NearPair
from retrain.data.example import Example
from retrain.data.stratified_draw import allocate_proportionally

#: Minimum validation examples; a loss over fewer is not informative.
MIN_VALIDATION_EXAMPLES = 10


@dataclass(frozen=True)
class Split:
    """The two sides of a split, with remarks."""

    training: list[Example]
    validation: list[Example]
    n_groups: int
    remarks: tuple[str, ...] = ()


def split_by_group(
    examples: Sequence[Example], near: Iterable[NearPair], share: float, rng: random.Random
) -> Split:
    """Split examples by group, stratified by source and task type.

    Examples that share an end user, a session, a conversation or a prompt, or are near-duplicates,
    form a group on one side. A group larger than the remaining validation share of one of its
    strata goes to the training side.
    """
    groups = _groups(examples, near)
    wanted = round(share * len(examples))
    if wanted < MIN_VALIDATION_EXAMPLES:
        few = (
            f"no validation examples: {wanted} of {len(examples)} examples would be "
            f"too few ({MIN_VALIDATION_EXAMPLES} are needed)"
        )
        return Split(list(examples), [], len(groups), (few,) if share else ())
    sizes = Counter(map(_stratum, examples))
    # Every stratum keeps at least one training example.
    places = allocate_proportionally(sizes, wanted)
    open_places = {name: min(n, sizes[name] - 1) for name, n in places.items()}
    rng.shuffle(groups)
    held: set[int] = set()
    for group in groups:
        needed = Counter(_stratum(examples[index]) for index in group)
        if all(open_places[stratum] >= n for stratum, n in needed.items()):
            held.update(group)
            for stratum, n in needed.items():
                open_places[stratum] -= n
    remarks = []
    if len(held) < wanted:
        remarks.append(
            f"{len(held)} validation examples instead of {wanted}: the "
            f"other groups are too large (the largest holds {max(map(len, groups))} examples)"
        )
    return Split(
        [single for index, single in enumerate(examples) if index not in held],
        [single for index, single in enumerate(examples) if index in held],
        len(groups),
        tuple(remarks),
    )


def _stratum(example: Example) -> tuple[str, str]:
    return example.source, example.task_type


def _groups(examples: Sequence[Example], near: Iterable[NearPair]) -> list[list[int]]:
    """Return the connected components of shared keys and near pairs."""
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[str, int] = {}
    for index, example in enumerate(examples):
        for key in (*example.group_keys, example.question_key, example.opening):
            known = first.setdefault(key, index)
            parent[root(index)] = root(known)
    place = {id(example): index for index, example in enumerate(examples)}
    for pair in near:
        if id(pair.first) in place and id(pair.second) in place:
            parent[root(place[id(pair.first)])] = root(place[id(pair.second)])
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(examples)):
        groups[root(index)].append(index)
    return sorted(groups.values())
