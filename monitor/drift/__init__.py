"""Drift statistics on arrays, usable by themselves in a notebook."""

from monitor.drift.input.category_mix import MixComparison, compare_mix
from monitor.drift.input.compare import compare
from monitor.drift.neighbours.near_copies import group_near_copies
from monitor.drift.numeric.comparison import NumericComparison, compare_numeric
from monitor.drift.output.compare_given import compare_given
from monitor.drift.output.compare_paired import compare_paired
from monitor.drift.output.descriptors import ResponseDescriptor
from monitor.drift.power.simulation import MAX_WINDOWS, SimulatedWindow, simulate_power
from monitor.drift.power.table import (
    KINDS,
    DetectableShare,
    effective_size,
    expected_shares,
    measure_user_correlation,
)
from monitor.drift.result import Cluster, DescriptorChange, DriftResult, TestResult, Verdict
from monitor.drift.samples.design import SampleDesign
from monitor.drift.samples.pairs import Pairs, match_pairs
from monitor.drift.slow.watch import SlowDrift, watch
from monitor.drift.slow.window_sums import WatchMap, WindowSums, fit_watch_map
from monitor.statistics.multiplicity import adjust_bh, holm

__all__ = [
    "KINDS",
    "MAX_WINDOWS",
    "Cluster",
    "DescriptorChange",
    "DetectableShare",
    "DriftResult",
    "MixComparison",
    "NumericComparison",
    "Pairs",
    "ResponseDescriptor",
    "SampleDesign",
    "SimulatedWindow",
    "SlowDrift",
    "TestResult",
    "Verdict",
    "WatchMap",
    "WindowSums",
    "adjust_bh",
    "compare",
    "compare_given",
    "compare_mix",
    "compare_numeric",
    "compare_paired",
    "effective_size",
    "expected_shares",
    "fit_watch_map",
    "group_near_copies",
    "holm",
    "match_pairs",
    "measure_user_correlation",
    "simulate_power",
    "watch",
]
