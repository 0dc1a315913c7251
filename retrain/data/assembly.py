"""Assembly of a training set: split, shuffle, counts and data card."""

from collections import Counter
from collections.abc import Mapping, Sequence

from retrain.data.data_card import (
    Card,
    SelfGenerated,
    counts_of,
    digest_of_rows,
    task_types_of,
)
from retrain.data.duplicates.near import NearPair
from retrain.data.example import Example
from retrain.data.leakage.leak_check import Leak
from retrain.data.pipeline import DataChecks, Pipeline
from retrain.data.rows import Row
from retrain.data.training_set import TrainingSet

#: Maximum pairs or items in a list of the card.
LISTED = 20


def finish(
    examples: Sequence[Example],
    steps: Pipeline,
    *,
    n_replay: int,
    inputs: Mapping[str, str],
    remarks: Sequence[str] = (),
) -> TrainingSet:
    """Split, shuffle and count the examples, and write the data card.

    Self-generated examples have no response yet. ``inputs`` has the digest of each input.
    """
    split = steps.split(examples)
    training, validation = list(split.training), list(split.validation)
    steps.rng.shuffle(training)
    steps.rng.shuffle(validation)
    answered, held = _answered(training), _answered(validation)
    rows, held_rows = [entry.as_row() for entry in answered], [entry.as_row() for entry in held]
    prompts = [*_prompts(training, "training"), *_prompts(validation, "validation")]
    checks, leaks = steps.checks, steps.leak_check.leaks
    card = Card(
        **counts_of(rows),
        validation_digest=digest_of_rows(held_rows) if held_rows else "",
        n_validation=len(held_rows),
        validation_by_task_type=task_types_of(held_rows),
        n_groups=split.n_groups,
        dropped=steps.dropped.counts,
        dropped_examples=steps.dropped.names,
        leaked=dict(sorted(Counter(leak.benchmark for leak in leaks).items())),
        paraphrases=_listed(
            sorted(
                f"{leak.example.name}: item {leak.item} of {leak.benchmark}"
                for leak in steps.leak_check.paraphrases
            )
        ),
        differing_gold=_differing(steps.sieve.pairs if steps.sieve else ()),
        differs_from_benchmark=_stale(leaks),
        inputs={
            **inputs,
            **{f"benchmark {benchmark.name}": benchmark.digest for benchmark in checks.benchmarks},
        },
        near_duplicates=steps.near_duplicate_method,
        self_generated=_self_generated(prompts, n_replay, checks),
        remarks=(*remarks, *split.remarks),
    )
    return TrainingSet(rows, card, held_rows, prompts, steps.dropped.longest)


def _answered(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.source != "self-generated"]


def _prompts(examples: Sequence[Example], side: str) -> list[Row]:
    return [
        {**example.as_row(), "messages": list(example.messages[:-1]), "split": side}
        for example in examples
        if example.source == "self-generated"
    ]


def _self_generated(
    prompts: Sequence[Row], n_replay: int, checks: DataChecks
) -> SelfGenerated | None:
    if not prompts:
        return None
    n_held = sum(prompt["split"] == "validation" for prompt in prompts)
    wanted = min(n_replay, len(prompts))
    wanted_held = round(wanted * n_held / len(prompts))
    return SelfGenerated(
        wanted_training=wanted - wanted_held,
        wanted_validation=wanted_held,
        n_prompts=len(prompts),
        max_new_tokens=checks.max_new_tokens,
    )


def _differing(pairs: Sequence[NearPair]) -> tuple[str, ...]:
    matches = sorted(
        " and ".join(sorted((pair.first.name, pair.second.name)))
        for pair in pairs
        if pair.first.source == pair.second.source == "gold"
    )
    return _listed(matches)


def _stale(leaks: Sequence[Leak]) -> tuple[str, ...]:
    matches = sorted(
        f"{leak.example.name}: {leak.benchmark} expects another response"
        for leak in leaks
        if leak.differs and leak.example.source == "gold"
    )
    return _listed(matches)


def _listed(entries: list[str]) -> tuple[str, ...]:
    more = [f"and {len(entries) - LISTED} more"] if len(entries) > LISTED else []
    return (*entries[:LISTED], *more)
