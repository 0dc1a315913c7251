"""Drift statistics on arrays: no SQL, no Kafka, no settings. Usable alone, in a notebook."""

from monitor.drift.compare import compare
from monitor.drift.conditional import compare_given
from monitor.drift.result import Cluster, DriftResult, TestResult, Verdict

__all__ = ["Cluster", "DriftResult", "TestResult", "Verdict", "compare", "compare_given"]
