"""Figures of closed labels, and of the probabilities that a model gave its responses."""

import msgspec


class LabelScore(msgspec.Struct, frozen=True):
    """Precision, recall and F1 of a label; ``n`` items expect it."""

    label: str
    precision: float
    recall: float
    f1: float
    n: int


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """A system's responses to the items of a benchmark that expect one of a few labels."""

    system: str
    benchmark: str
    n: int
    #: Over all items; a response that is no label counts as missed, not as a wrong label.
    micro_f1: float
    #: The mean of the labels' F1, with its 95% interval.
    macro_f1: float
    macro_lower: float
    macro_upper: float
    labels: tuple[LabelScore, ...]
    #: The confusion matrix, without zeros: expected label, response's label (empty: none of them)
    #: and number of items.
    confusion: tuple[tuple[str, str, int], ...]

    @property
    def largest_confusions(self) -> list[tuple[str, str, int]]:
        """Return the five most frequent wrong cells."""
        wrong = [cell for cell in self.confusion if cell[0] != cell[1]]
        return sorted(wrong, key=lambda cell: (-cell[2], cell))[:5]


class ReliabilityBin(msgspec.Struct, frozen=True):
    """Responses with a probability in a tenth of [0, 1]: mean probability and share correct."""

    confidence: float
    correct: float
    n: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How well the probabilities of a system's responses match the share that is correct."""

    system: str
    benchmark: str
    n: int
    #: Expected calibration error: mean distance of the bins, weighted by their items.
    expected_error: float
    #: Mean squared distance of probability and correctness.
    brier: float
    bins: tuple[ReliabilityBin, ...]
