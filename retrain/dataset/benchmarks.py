"""The benchmarks that a training set is held against: every one that is configured."""

import hashlib
from pathlib import Path

from monitor.evaluation_file import EvaluationPlan
from retrain.dataset.leakage import BenchmarkTexts
from retrain.evaluation.dataset_file import read_dataset
from retrain.evaluation.items import parse_items

#: How the benchmark of ``retrain.benchmark`` is called.
ACCEPTANCE = "acceptance"


def benchmark_texts(acceptance: str, plan: EvaluationPlan | None) -> list[BenchmarkTexts]:
    """Read what the benchmarks ask; how their answers are scored doesn't matter here.

    Args:
        acceptance: ``retrain.benchmark``; empty where there is none.
        plan: ``evaluation.yaml``; ``None`` where there is none.

    Raises:
        InputError: A data set can't be read, or isn't one.
    """
    named = [(ACCEPTANCE, acceptance, Path())] if acceptance else []
    if plan is not None:
        named += [(one.name, one.dataset, plan.origin.parent) for one in plan.benchmarks]
    found = []
    for name, place, folder in named:
        content = read_dataset(place, folder)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        found.append(BenchmarkTexts(name, parse_items(content, place), digest))
    return found
