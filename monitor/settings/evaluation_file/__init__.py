"""``evaluation.yaml``: what candidates are evaluated on, and how production is watched.

Read strictly: every key that isn't known is an error with its line.
"""

from monitor.settings.evaluation_file.plan import (
    BenchmarkPlan,
    EvaluationPlan,
    HumanEvaluationPlan,
    ProductionMonitoring,
    read_plan,
)

__all__ = [
    "BenchmarkPlan",
    "EvaluationPlan",
    "HumanEvaluationPlan",
    "ProductionMonitoring",
    "read_plan",
]
