"""Loading and validation of the benchmarks in ``evaluation.yaml``."""

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.errors import ConfigurationError, InputError
from monitor.settings.evaluation_file import BenchmarkPlan, EvaluationPlan
from retrain.data.benchmarks.copies import content_key, find_copies
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.groups import Groups, find_groups
from retrain.data.benchmarks.item import BenchmarkItem, parse_items
from retrain.data.similarity import CachingEncoder, SentenceEncoder
from retrain.evaluation.gates.least_items import MIN_ITEMS
from retrain.evaluation.judge.verdicts import NO_JUDGE, JudgedVerdict
from retrain.evaluation.metrics.catalogue import MetricModels, canonical_name, load_metrics
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.overlap import EXACT_MATCH, ROUGE_METRICS, TOKEN_F1
from retrain.evaluation.metrics.scoring import RECOMMENDED_ITEMS

#: Fewer prompts can't establish the usual limits: a version that hallucinates in 3% of its
#: responses stays within 2% on 200 prompts in more than one of four trials.
RECOMMENDED_SAFETY_ITEMS = 500
#: Safety metrics; a benchmark with a threshold on one of them is a safety suite.
SAFETY_METRICS = frozenset({"refusal_rate", "hallucination_rate", "judged_refusal_rate"})
#: Metrics that compare a response with the reference answer.
_COMPARED = frozenset({EXACT_MATCH.name, TOKEN_F1.name, "bertscore", "judged_score"}).union(
    metric.name for metric in ROUGE_METRICS
)
_QUOTED = 5


@dataclass(frozen=True)
class Benchmark:
    """A loaded benchmark."""

    plan: BenchmarkPlan
    items: tuple[BenchmarkItem, ...]
    metrics: tuple[Metric, ...]
    #: SHA-256 of the data set.
    digest: str
    #: Ids of items that were left out as copies -> id of the item that counts.
    copies: Mapping[str, str] = field(default_factory=dict)
    #: Id of each item, also of copies -> its digest.
    item_digests: Mapping[str, str] = field(default_factory=dict)
    #: The same -> digest of its content without split and strata.
    content_digests: Mapping[str, str] = field(default_factory=dict)
    #: Groups of its items, where an encoder was there to find topics.
    groups: Groups = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the benchmark."""
        return self.plan.name

    @property
    def is_safety_suite(self) -> bool:
        """Whether it has a threshold on a safety metric."""
        return any(
            canonical_name(threshold.metric) in SAFETY_METRICS for threshold in self.plan.thresholds
        )

    @property
    def unconfigured(self) -> list[Metric]:
        """The metrics without the judge that they need."""
        return [
            metric
            for metric in self.metrics
            if isinstance(metric, JudgedVerdict) and not metric.is_configured
        ]

    def remarks(self) -> list[str]:
        """Return remarks on the reliability of its figures."""
        n = len(self.items)
        matches = [
            f"{self.name}: {metric.name} can't be measured, and its limit stays undecided: set "
            f"{NO_JUDGE}"
            for metric in self.unconfigured
        ]
        if self.copies:
            pairs = list(self.copies.items())
            named = ", ".join(f"{copy} of {item}" for copy, item in pairs[:_QUOTED])
            more = ", ..." if len(pairs) > _QUOTED else ""
            matches.append(
                f"{self.name}: {len(pairs)} of {n + len(pairs)} items are copies, or fill a "
                f"template of another, and don't count ({named}{more}); {n} items remain"
            )
        if n < RECOMMENDED_ITEMS:
            matches.append(
                f"{self.name}: WARNING: only {n} items; at least {RECOMMENDED_ITEMS} are needed "
                "to detect anything but large differences"
            )
        if self.is_safety_suite and n < RECOMMENDED_SAFETY_ITEMS:
            matches.append(
                f"{self.name}: {n} prompts; {RECOMMENDED_SAFETY_ITEMS} or more are recommended for "
                "a safety suite: with fewer, an unsafe version often looks safe, and the safety of "
                "a safe version can't be shown"
            )
        return matches


def load_benchmarks(
    plan: EvaluationPlan,
    models: MetricModels | None = None,
    encoder: SentenceEncoder | None = None,
    counted: Collection[str] = (),
) -> list[Benchmark]:
    """Load every benchmark of a plan, without copies among its items.

    Of copies, the first that counted in the last evaluation counts, else the first of the file;
    ``counted`` has the content digests. Without an encoder only words are compared in the search
    for copies, and there are no groups. An item that an earlier benchmark has in another split is a
    copy, too.

    Raises:
        ConfigurationError: A metric is unknown, a threshold has the wrong direction, or a safety
            metric applies to no item; the message names the line.
        InputError: A data set can't be read, or items lack a field of ``stratify_by``.
        MetricError: A package's metric can't be loaded.
    """
    encoder = None if encoder is None else CachingEncoder.of(encoder)
    splits: dict[Hashable, tuple[str, str]] = {}
    return [
        _without_other_splits(
            _load(plan, benchmark, models or MetricModels(), encoder, counted=counted), splits
        )
        for benchmark in plan.benchmarks
    ]


def _without_other_splits(
    benchmark: Benchmark, splits: dict[Hashable, tuple[str, str]]
) -> Benchmark:
    """Drop items that an earlier benchmark has in another split, and add the others to its items.

    ``splits`` has the split and the name of each item.
    """
    copies: dict[str, str] = {}
    for item in benchmark.items:
        place = (item.split, f"{benchmark.name}/{item.id}")
        split, name = splits.setdefault(content_key(item), place)
        if split != item.split:
            copies[item.id] = f"{name}, {split!r}"
    items = tuple(item for item in benchmark.items if item.id not in copies)
    return replace(benchmark, items=items, copies={**benchmark.copies, **copies})


def _load(
    plan: EvaluationPlan,
    benchmark: BenchmarkPlan,
    models: MetricModels,
    encoder: SentenceEncoder | None,
    *,
    counted: Collection[str],
) -> Benchmark:
    metrics = _metrics(plan, benchmark, models)
    _check_thresholds(plan, benchmark, metrics)
    content = read_dataset(benchmark.dataset, plan.origin.parent)
    compares = any(metric.name in _COMPARED for metric in metrics)
    items = parse_items(content, benchmark.dataset, with_words=compares)
    _check_strata(benchmark, items)
    _check_measurable(plan, benchmark, items)
    # Without the encoder where there are too few items to promote anything.
    searched = encoder if len(items) >= MIN_ITEMS else None
    order = sorted(range(len(items)), key=lambda row: items[row].content_digest not in counted)
    pairs = find_copies([items[row] for row in order], searched)
    copies = {order[copy]: order[original] for copy, original in sorted(pairs.items())}
    remaining = tuple(item for row, item in enumerate(items) if row not in copies)
    return Benchmark(
        benchmark,
        remaining,
        tuple(metrics),
        hashlib.sha256(content).hexdigest(),
        {items[copy].id: items[original].id for copy, original in copies.items()},
        {item.id: item.digest for item in items},
        {item.id: item.content_digest for item in items},
        find_groups(remaining, searched) if searched and len(remaining) >= MIN_ITEMS else {},
    )


def _metrics(plan: EvaluationPlan, benchmark: BenchmarkPlan, models: MetricModels) -> list[Metric]:
    """Load the metrics name by name, so that an error names the line."""
    matches: dict[str, Metric] = {}
    for name in benchmark.metric_names:
        try:
            loaded = load_metrics([name], models)
        except ConfigurationError as error:
            line = benchmark.line_of(name)
            raise plan.error(line, f"benchmark {benchmark.name!r}: {error}") from None
        for metric in loaded:
            matches.setdefault(metric.name, metric)
    return list(matches.values())


def _check_thresholds(
    plan: EvaluationPlan, benchmark: BenchmarkPlan, metrics: Sequence[Metric]
) -> None:
    by_name = {metric.name: metric for metric in metrics}
    for threshold in benchmark.thresholds:
        metric = by_name.get(canonical_name(threshold.metric))
        if metric is None:
            parts = ", ".join(name for name in by_name if name.startswith(threshold.metric))
            raise plan.error(
                threshold.line,
                f"{threshold.metric!r} stands for several metrics; name one of {parts}",
            )
        if threshold.limit.is_minimum != (metric.direction == "higher"):
            better = "higher" if metric.direction == "higher" else "lower"
            raise plan.error(
                threshold.line,
                f'"{threshold.limit}" has the wrong direction: {better} values of {metric.name} '
                "are better",
            )
        if not metric.lowest <= threshold.limit.value <= metric.highest:
            raise plan.error(
                threshold.line,
                f'"{threshold.limit}" is outside the range of {metric.name}, '
                f"[{metric.lowest:g}, {metric.highest:g}]",
            )


def _check_strata(benchmark: BenchmarkPlan, items: Sequence[BenchmarkItem]) -> None:
    for name in benchmark.stratify_by:
        missing = [item.id for item in items if not item.stratum_of(name)]
        if missing:
            known = Counter(key for item in items for key in item.strata)
            remaining = ", ".join(sorted({"task_type", "difficulty", "split", *known}))
            quoted = ", ".join(map(repr, missing[:_QUOTED]))
            raise InputError(
                f"{benchmark.dataset}: benchmark {benchmark.name!r} is stratified by {name!r}, "
                f"which {len(missing)} of {len(items)} items lack (ids {quoted}); available "
                f"fields: {remaining}"
            )


def _check_measurable(
    plan: EvaluationPlan, benchmark: BenchmarkPlan, items: Sequence[BenchmarkItem]
) -> None:
    """Refuse a safety threshold on a benchmark without items that its metric applies to."""
    needs = {
        "refusal_rate": ('"harmful": true', any(item.harmful for item in items)),
        "hallucination_rate": ('a "context"', any(item.context for item in items)),
        "judged_refusal_rate": ('"harmful": true', any(item.harmful for item in items)),
    }
    for threshold in benchmark.thresholds:
        field, there = needs.get(canonical_name(threshold.metric), ("", True))
        if not there:
            raise plan.error(
                threshold.line,
                f"{threshold.metric} needs items with {field}, but {benchmark.dataset} has none",
            )
