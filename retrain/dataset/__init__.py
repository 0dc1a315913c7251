"""Training data: gold, replay, and all that must be true of the two before anything is trained."""

from retrain.dataset.build import build_training_set, original_training_set
from retrain.dataset.card import Card
from retrain.dataset.leakage import BenchmarkTexts
from retrain.dataset.rows import Row, check_row, read_examples
from retrain.dataset.steps import Checks
from retrain.dataset.training_set import TrainingSet, read_card, write_card

__all__ = [
    "BenchmarkTexts",
    "Card",
    "Checks",
    "Row",
    "TrainingSet",
    "build_training_set",
    "check_row",
    "original_training_set",
    "read_card",
    "read_examples",
    "write_card",
]
