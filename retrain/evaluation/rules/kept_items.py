"""Items of an earlier evaluation that a later one must have."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.store.training.candidate_results import CandidateResults, GateCheck, WeakerRules
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.request import EarlierItems, EvaluationRequest
from retrain.evaluation.rules.item_places import named

#: Largest share of items that may be removed or changed where a rejection is lifted.
MAX_CHANGED = 0.05


def check_kept_items(
    benchmarks: Sequence[Benchmark], request: EvaluationRequest
) -> tuple[list[GateCheck], list[WeakerRules]]:
    """Check that the benchmarks have all items of the version's and of the model's last evaluation.

    Items may be added. Without an item, or with another reference answer, the version may pass
    because the benchmark changed: the check is undecided, and a lead must decide. For another
    version a benchmark may be renewed as a whole, with a lead's reason, which is returned: at least
    half of its items are others, and no split has fewer. A model's first evaluation has no check.
    """
    earlier, own = request.earlier, _own_items(request)
    if own is None and earlier is None:
        return [], []
    of_version = _changes(benchmarks, own) if own else []
    of_model = _changes(benchmarks, earlier) if earlier and earlier != own else []
    problems = [str(change) for change in of_version if change.is_loss]
    renewed: list[str] = []
    for change in (change for change in of_model if change.is_loss):
        if not change.is_renewal:
            problems.append(str(change))
        elif request.weaker_because:
            renewed.append(str(change))
        else:
            problems.append(f"{change}; to renew a benchmark, give a reason: --weaker-because WHY")
    n_added = sum(change.n_added for change in of_version or of_model)
    last = own or earlier
    check = GateCheck(
        f"every item of evaluation {last.evaluation if last else 0} is there",
        "undecided" if problems else "passed",
        "; ".join(dict.fromkeys([*problems, *renewed]))
        or f"no item removed or changed, {n_added} added",
        "no item removed or changed since the last evaluation of the version and of the model; "
        "items may be added",
        code="kept_items",
    )
    if not renewed or earlier is None:
        return [check], []
    return [check], [
        WeakerRules(
            evaluation=earlier.evaluation,
            rules=tuple(renewed),
            reason=request.weaker_because,
            by=request.accepted_by,
            of_items=True,
        )
    ]


@dataclass(frozen=True)
class _Change:
    """Difference of a benchmark from its items in an earlier evaluation."""

    benchmark: str
    n_before: int
    #: Ids of the items that are missing.
    missing: Sequence[str]
    n_added: int
    #: Whether at least half of the items are others, and no split has fewer.
    is_renewal: bool

    @property
    def is_loss(self) -> bool:
        """Whether items are missing, or may be, where the earlier ones are unknown."""
        return bool(self.missing) or not self.n_before

    def __str__(self) -> str:
        if not self.n_before:
            return f"{self.benchmark}: another data set (its items are not recorded)"
        return (
            f"{self.benchmark}: {len(self.missing)} of {self.n_before} items removed or changed "
            f"({named(self.missing)})"
        )


def _own_items(request: EvaluationRequest) -> EarlierItems | None:
    """Return the items of the version's last evaluation."""
    if not request.evaluation_before:
        return None
    if request.earlier and request.earlier.evaluation == request.evaluation_before:
        return request.earlier
    return EarlierItems(
        evaluation=request.evaluation_before,
        dataset_digests=request.digests_before,
        item_digests=request.items_before,
    )


def _changes(benchmarks: Sequence[Benchmark], before: EarlierItems) -> list[_Change]:
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    return [
        _change(by_name[name], before)
        for name, digest in before.dataset_digests.items()
        if name in by_name and by_name[name].digest != digest
    ]


def _change(benchmark: Benchmark, before: EarlierItems) -> _Change:
    places = [place for place in before.places if place.benchmark == benchmark.name]
    items = before.item_digests.get(benchmark.name, {})
    digests = Counter(benchmark.item_digests.values())
    if places:  # what was moved is no other item
        items = {item: digest for place in places for item, digest in place.items.items()}
        digests = Counter(benchmark.content_digests.values())
    lacking = Counter(items.values()) - digests
    missing = [item for item, digest in items.items() if digest in lacking]
    by_split = Counter(place.split for place in places for _ in place.items)
    is_thinner = by_split - Counter(item.split for item in benchmark.items)
    return _Change(
        benchmark.name,
        len(items),
        missing,
        (digests - Counter(items.values())).total(),
        is_renewal=2 * len(missing) >= len(items) and not is_thinner,
    )


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
