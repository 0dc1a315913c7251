"""Calibration: whether responses of a probability are correct as often as it says."""

from collections.abc import Sequence

import numpy as np

from monitor.store.training.label_results import Calibration, ReliabilityBin
from retrain.evaluation.metrics.overlap import EXACT_MATCH
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.models.response import log_probability_of

N_BINS = 10


def calibrate(system: str, benchmark: str, scores: Sequence[ItemScore]) -> Calibration | None:
    """Return the calibration of responses with a probability that exact match scores.

    A response's probability is the product over its tokens. ``None`` where no response has one.

    References: Guo et al. (2017), On calibration of modern neural networks; Brier (1950).
    """
    known = [
        (probability, score.values[EXACT_MATCH.name])
        for score in scores
        if EXACT_MATCH.name in score.values
        and (probability := log_probability_of(score.response)) is not None
    ]
    if not known:
        return None
    confidence = np.exp([probability for probability, _ in known])
    correct = np.array([value for _, value in known])
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    reliability = tuple(
        ReliabilityBin(float(confidence[rows].mean()), float(correct[rows].mean()), int(rows.sum()))
        for rows in (bins == number for number in range(N_BINS))
        if rows.any()
    )
    return Calibration(
        system=system,
        benchmark=benchmark,
        n=len(known),
        expected_error=sum(entry.n * abs(entry.confidence - entry.correct) for entry in reliability)
        / len(known),
        brier=float(((confidence - correct) ** 2).mean()),
        bins=reliability,
    )
