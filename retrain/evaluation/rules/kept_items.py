"""Items of an earlier evaluation that a later one must have."""

from collections import Counter
from collections.abc import Sequence

from monitor.store.training.candidate_results import CandidateResults, GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.request import EvaluationRequest

_NAMED = 5
#: Largest share of items that may be removed or changed where a rejection is lifted.
MAX_CHANGED = 0.05


def check_kept_items(
    benchmarks: Sequence[Benchmark], request: EvaluationRequest
) -> list[GateCheck]:
    """Check that the benchmarks of a second evaluation have all items of the one before.

    Items may be added. Without an item, or with another reference answer, the version may pass
    because the benchmark changed: the check is undecided, and a lead must decide. A version's first
    evaluation has no check.
    """
    if not request.evaluation_before:
        return []
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    problems, n_added = [], 0
    for name, digest in request.digests_before.items():
        benchmark, before = by_name.get(name), request.items_before.get(name, {})
        if benchmark is None or benchmark.digest == digest:
            continue
        if not before:
            problems.append(f"{name}: another data set (its items are not recorded)")
            continue
        items = Counter(benchmark.item_digests.values())
        missing = Counter(before.values()) - items
        n_added += (items - Counter(before.values())).total()
        if missing:
            named = [item for item, entry in before.items() if entry in missing]
            more = ", ..." if len(named) > _NAMED else ""
            problems.append(
                f"{name}: {missing.total()} of {len(before)} items removed or changed "
                f"({', '.join(named[:_NAMED])}{more})"
            )
    return [
        GateCheck(
            f"every item of evaluation {request.evaluation_before} is there",
            "undecided" if problems else "passed",
            "; ".join(problems) or f"no item removed or changed, {n_added} added",
            "no item removed or changed since the version was last evaluated; items may be added",
            code="kept_items",
        )
    ]


def may_lift_rejection(request: EvaluationRequest, results: CandidateResults) -> bool:
    """Return whether an evaluation has nearly all items of the one that rejected the version.

    A few items may be corrected, and the check of kept items is undecided then. A benchmark that
    lost more shows nothing about the failed checks.
    """
    for name, digest in request.digests_before.items():
        if results.dataset_digests.get(name) == digest:
            continue
        before = request.items_before.get(name, {})
        now = Counter(results.item_digests.get(name, {}).values())
        if (Counter(before.values()) - now).total() > MAX_CHANGED * len(before) or not before:
            return False
    return True
