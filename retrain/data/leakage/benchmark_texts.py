"""Questions of all benchmarks of evaluation.yaml, for the leakage check."""

import hashlib

from monitor.settings.evaluation_file import EvaluationPlan
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.item_lines import parse_items
from retrain.data.leakage.leak_check import BenchmarkTexts


def benchmark_texts(plan: EvaluationPlan) -> list[BenchmarkTexts]:
    """Read the items of all benchmarks, without their metrics.

    Raises:
        InputError: A data set can't be read, or isn't one.
    """
    matches = []
    for benchmark in plan.benchmarks:
        content = read_dataset(benchmark.dataset, plan.origin.parent)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        items = parse_items(content, benchmark.dataset)
        matches.append(BenchmarkTexts(benchmark.name, items, digest))
    return matches
