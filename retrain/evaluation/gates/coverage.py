"""Coverage of the taxonomy's task types, and of their difficulties, by the benchmarks."""

from collections import Counter
from collections.abc import Iterator, Sequence

from monitor.store.training.candidate_results import Check
from retrain.evaluation.benchmark import Benchmark

#: Items of a task type below which its figures are remarked as weak.
FEW_ITEMS = 10
#: Maximum task types that a message names.
MAX_NAMED = 10


def check_coverage(
    benchmarks: Sequence[Benchmark], task_types: Sequence[str]
) -> tuple[list[Check], list[str]]:
    """Check that the benchmarks have items of every task type of the taxonomy.

    Args:
        benchmarks: The benchmarks.
        task_types: The taxonomy's task types; empty: no taxonomy is configured.

    Returns:
        A check, undecided if task types have no items, and remarks on task types with few items and
        on difficulties that a task type lacks.
    """
    if not task_types:
        return [], []
    items = [item for benchmark in benchmarks for item in benchmark.items]
    counts = Counter(item.task_type for item in items)
    missing = [name for name in task_types if not counts[name]]
    observed = f"{len(task_types) - len(missing)} of {len(task_types)} task types have items"
    if missing:
        observed += f"; without: {_named(missing)}"
    check = Check(
        "every task type is covered",
        "undecided" if missing else "passed",
        observed,
        "items of every task type of the taxonomy in some benchmark",
        code="coverage",
    )
    few = [f"{name} ({counts[name]})" for name in task_types if 0 < counts[name] < FEW_ITEMS]
    remarks = [f"fewer than {FEW_ITEMS} items of the task types {_named(few)}"] if few else []
    cells = {(item.task_type, item.difficulty) for item in items}
    return [check], [*remarks, *_missing_difficulties(cells, task_types)]


def _missing_difficulties(cells: set[tuple[str, str]], task_types: Sequence[str]) -> Iterator[str]:
    known = sorted({difficulty for _, difficulty in cells if difficulty})
    for difficulty in known:
        lacking = [
            name
            for name in task_types
            if (name, difficulty) not in cells and any(cell[0] == name for cell in cells)
        ]
        if lacking:
            yield f"no items of difficulty {difficulty!r} of the task types {_named(lacking)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
