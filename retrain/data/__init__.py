"""Training data: gold examples and replay, cleaned, split and documented."""

from retrain.data.build import build_training_set, original_training_set
from retrain.data.data_card import Card
from retrain.data.leakage.leak_check import BenchmarkTexts
from retrain.data.pipeline import DataChecks
from retrain.data.rows import Row, check_row, read_examples
from retrain.data.training_set import TrainingSet, read_card, write_card

__all__ = [
    "BenchmarkTexts",
    "Card",
    "DataChecks",
    "Row",
    "TrainingSet",
    "build_training_set",
    "check_row",
    "original_training_set",
    "read_card",
    "read_examples",
    "write_card",
]
