"""Prometheus metrics of training runs."""

from collections.abc import Iterable

from monitor.telemetry import (
    TRAINING_LOSS,
    TRAINING_PROGRESS,
    TRAINING_RUNS_FINISHED,
    TRAINING_TOKENS_PER_SECOND,
)
from retrain.training.runs import RunState


def export_training_metrics(states: Iterable[RunState]) -> None:
    """Export the last reported progress; a model without a running run has no metrics."""
    for gauge in (TRAINING_LOSS, TRAINING_PROGRESS, TRAINING_TOKENS_PER_SECOND):
        gauge.clear()
    for state in states:
        model, progress = state.run.model, state.progress
        if state.run.status != "running":
            TRAINING_RUNS_FINISHED.labels(model, state.run.status).inc()
            continue
        if progress.get("steps"):
            TRAINING_PROGRESS.labels(model).set(progress["step"] / progress["steps"])
        if "loss" in progress:
            TRAINING_LOSS.labels(model).set(progress["loss"])
            TRAINING_TOKENS_PER_SECOND.labels(model).set(progress["tokens_per_second"])
