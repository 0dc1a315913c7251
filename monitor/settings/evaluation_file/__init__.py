"""evaluation.yaml: benchmarks, human evaluation and monitoring of a model.

Parsed strictly: an unknown key is an error with its line.
"""

from monitor.settings.evaluation_file.plan import (
    BenchmarkPlan,
    EvaluationPlan,
    HumanEvaluationPlan,
    read_monitoring,
    read_plan,
)

__all__ = [
    "BenchmarkPlan",
    "EvaluationPlan",
    "HumanEvaluationPlan",
    "read_monitoring",
    "read_plan",
]
