"""Drift statistics on arrays: no SQL, no Kafka, no settings. Usable alone, in a notebook."""

from monitor.drift.compare import compare
from monitor.drift.conditional import compare_given
from monitor.drift.mix import MixComparison, compare_mix
from monitor.drift.multiplicity import adjust_bh, holm
from monitor.drift.result import Cluster, DriftResult, TestResult, Verdict
from monitor.drift.sample_design import SampleDesign
from monitor.drift.scalar_comparison import ScalarComparison, compare_scalar
from monitor.drift.slow_drift import SlowDrift, watch
from monitor.drift.window_sums import WatchMap, WindowSums, fit_watch_map

__all__ = [
    "Cluster",
    "DriftResult",
    "MixComparison",
    "SampleDesign",
    "ScalarComparison",
    "SlowDrift",
    "TestResult",
    "Verdict",
    "WatchMap",
    "WindowSums",
    "adjust_bh",
    "compare",
    "compare_given",
    "compare_mix",
    "compare_scalar",
    "fit_watch_map",
    "holm",
    "watch",
]
