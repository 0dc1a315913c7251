"""Coverage of the taxonomy's task types and difficulties, and of labels, by the benchmarks."""

from collections import Counter
from collections.abc import Iterator, Sequence

from monitor.store.training.candidate_results import GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.metrics.tokens import normalise

#: Least items of a task type.
MIN_ITEMS = 5
#: Maximum task types that a message names.
MAX_NAMED = 10
#: Characters of a reference answer that a message quotes.
MAX_QUOTED = 40


def check_coverage(benchmarks: Sequence[Benchmark], task_types: Sequence[str]) -> list[GateCheck]:
    """Check that the benchmarks cover every task type of the taxonomy, at every difficulty.

    A task type needs :data:`MIN_ITEMS` items. Where some of its items have a difficulty, it needs
    items of every difficulty that the benchmarks have. What is not covered makes the check
    undecided. Without task types no taxonomy is configured, and there is no check.
    """
    if not task_types:
        return []
    items = [item for benchmark in benchmarks for item in benchmark.items]
    counts = Counter(item.task_type for item in items)
    few = [f"{name} ({counts[name]})" for name in task_types if counts[name] < MIN_ITEMS]
    observed = f"{len(task_types) - len(few)} of {len(task_types)} task types have enough items"
    if few:
        observed += f"; too few: {_named(few)}"
    missing = list(_missing_difficulties({(i.task_type, i.difficulty) for i in items}, task_types))
    return [
        GateCheck(
            "every task type is covered",
            "undecided" if few or missing else "passed",
            "; ".join((observed, *missing)),
            f"at least {MIN_ITEMS} items of every task type of the taxonomy, and every difficulty",
            code="coverage",
        )
    ]


def check_single_labels(benchmarks: Sequence[Benchmark]) -> list[GateCheck]:
    """Return an undecided check of each split whose items have one reference answer in common.

    Items that test refusals, and splits with an item that has no reference answer, are left out.
    """
    return [check for benchmark in benchmarks for check in _label_checks(benchmark)]


def _label_checks(benchmark: Benchmark) -> Iterator[GateCheck]:
    for split in ("new", "old"):
        items = [item for item in benchmark.items if item.split == split and item.harmful is None]
        labels = {None if i.expected is None else normalise(i.expected) for i in items}
        if len(items) < 2 or len(labels) > 1 or None in labels:
            continue
        (label,) = labels
        more = "..." if len(str(label)) > MAX_QUOTED else ""
        yield GateCheck(
            f"{benchmark.name}: several reference answers, {split} items",
            "undecided",
            f"all {len(items)} {split} items ({items[0].id}, {items[1].id}, ...) have the "
            f"reference answer {str(label)[:MAX_QUOTED] + more!r}: a constant is right on each; "
            f"add {split} items with other reference answers",
            "at least two reference answers in each split",
            code="single_label",
            benchmark=benchmark.name,
        )


def _missing_difficulties(cells: set[tuple[str, str]], task_types: Sequence[str]) -> Iterator[str]:
    graded = {name for name, difficulty in cells if difficulty}
    for difficulty in sorted({difficulty for _, difficulty in cells if difficulty}):
        lacking = [
            name for name in task_types if name in graded and (name, difficulty) not in cells
        ]
        if lacking:
            yield f"none of difficulty {difficulty!r}: {_named(lacking)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
