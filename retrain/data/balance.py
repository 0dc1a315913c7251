"""Minimum and balance requirements of a training set."""

import math
from collections import Counter
from collections.abc import Sequence

from monitor.errors import TrainingError
from monitor.settings import TrainingData
from retrain.data.example import Example
from retrain.data.exclusions import LEAKED, TOO_LONG, Exclusions


def refuse_too_little(gold: Sequence[Example], rules: TrainingData, left_out: Exclusions) -> None:
    """Require the minimum of gold examples; ``TrainingError`` says how many are missing."""
    missing = rules.min_gold - len(gold)
    if missing > 0:
        untrainable = left_out.describe_untrainable()
        raise TrainingError(
            f"{len(gold)} different gold examples, {rules.min_gold} are needed: {missing} more "
            "reviews, or a lower retrain.data.min_gold"
            + (f"; left out: {untrainable}; {_remedy(left_out)}" if untrainable else ""),
            code="min_gold",
        )


def refuse_left_out(n_gold: int, left_out: Exclusions, rules: TrainingData) -> None:
    """Refuse gold of which too much leaks or is too long; ``TrainingError`` lists it.

    Some such examples are left out. Many show that files or the recipe are wrong: benchmarks that
    were drawn from the review, or a ``max_length`` for other texts.
    """
    n = left_out.count(LEAKED, TOO_LONG)
    if n <= rules.max_left_out * n_gold:
        return
    raise TrainingError(
        f"{n} of {n_gold} gold examples can't be trained on (retrain.data.max_left_out: at most "
        f"{rules.max_left_out:.0%}): {left_out.describe_untrainable()}; {_remedy(left_out)}",
        code="max_left_out",
    )


def _remedy(left_out: Exclusions) -> str:
    remedies = {
        LEAKED: "keep benchmark items out of the review, or use benchmarks drawn before it",
        TOO_LONG: "raise max_length in the recipe, or shorten the examples",
    }
    return "; ".join(text for reason, text in remedies.items() if left_out.count(reason))


def refuse_thin_task_types(
    gold: Sequence[Example], known: Sequence[Example], rules: TrainingData
) -> None:
    """Require a minimum of examples of each new task type.

    Task types of the known, original data aren't new: few gold examples of them are corrections.

    Raises:
        TrainingError: Examples are missing; the message has the counts by task type.
    """
    covered, before = _by_task_type(gold), _by_task_type(known)
    thin = [
        f"{name}: {n} of {rules.min_per_task_type}; "
        f"{rules.min_per_task_type - n - before[name]} more reviews"
        for name, n in sorted(covered.items())
        if n + before[name] < rules.min_per_task_type
    ]
    if thin:
        raise TrainingError(
            f"too few gold examples of task types that the original data doesn't "
            f"cover: {'; '.join(thin)}; or a lower retrain.data.min_per_task_type",
            code="min_per_task_type",
        )


def refuse_dominance(examples: Sequence[Example], rules: TrainingData) -> None:
    """Refuse dominance of a task type; ``TrainingError`` counts the examples missing."""
    counts = _by_task_type(examples)
    if len(counts) < 2:
        return
    name, most = max(counts.items(), key=lambda entry: (entry[1], entry[0]))
    total = sum(counts.values())
    if most <= rules.max_task_share * total:
        return
    missing = math.ceil(most / rules.max_task_share) - total
    raise TrainingError(
        f"{name}: {most} of {total} examples, {most / total:.0%} of the set (at most "
        f"{rules.max_task_share:.0%}): {missing} more examples of other task types, a larger "
        "replay_share in the recipe, or a higher retrain.data.max_task_share",
        code="max_task_share",
    )


def _by_task_type(examples: Sequence[Example]) -> Counter[str]:
    """Count examples by task type, omitting examples without a task type."""
    return Counter(example.task_type for example in examples if example.task_type)
