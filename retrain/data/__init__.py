"""Training data: gold examples and replay, cleaned, split and documented."""

from retrain.data.build import build_training_set, original_training_set
from retrain.data.leakage.leak_check import BenchmarkTexts
from retrain.data.pipeline import DataChecks
from retrain.data.rows import read_examples
from retrain.data.training_set import TrainingSet

__all__ = [
    "BenchmarkTexts",
    "DataChecks",
    "TrainingSet",
    "build_training_set",
    "original_training_set",
    "read_examples",
]
