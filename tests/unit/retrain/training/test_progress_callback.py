"""The trainer's log, written as a run's progress."""

from pathlib import Path

import pytest
from transformers import TrainerState

from monitor.errors import TrainingError
from retrain.jobs.progress import losses
from retrain.run_folder import RunFolder
from retrain.training.progress_callback import ProgressWriter
from tests.support.refusals import refusal


def test_a_finite_step_is_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    ProgressWriter(folder, 10).on_log(
        None, TrainerState(global_step=3, max_steps=9), None, {"loss": 0.5, "grad_norm": 1.0}
    )
    assert losses(folder) == [(3, 0.5)]


@pytest.mark.parametrize(
    "logs",
    [
        {"loss": float("nan")},
        {"loss": float("inf")},
        {"loss": 0.5, "grad_norm": float("nan")},
        {"eval_loss": float("nan")},
    ],
)
def test_a_figure_that_is_not_finite_ends_training(tmp_path: Path, logs: dict[str, float]) -> None:
    state = TrainerState(global_step=3, max_steps=9)
    with refusal("diverged", TrainingError, match="step 3"):
        ProgressWriter(RunFolder(tmp_path), 10).on_log(None, state, None, logs)
