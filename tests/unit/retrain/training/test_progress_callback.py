"""The trainer's log, written as a run's progress."""

from pathlib import Path
from typing import Any

import pytest

from monitor.errors import TrainingError
from retrain.jobs.progress import losses
from retrain.run_folder import RunFolder
from tests.support.lazy_modules import LazyModule
from tests.support.refusals import refusal

pytestmark = pytest.mark.language_model

transformers: Any = LazyModule("transformers")
progress_callback: Any = LazyModule("retrain.training.progress_callback")


def test_a_finite_step_is_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    state = transformers.TrainerState(global_step=3, max_steps=9)
    writer = progress_callback.ProgressWriter(folder, 10)
    writer.on_log(None, state, None, {"loss": 0.5, "grad_norm": 1.0})
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
    state = transformers.TrainerState(global_step=3, max_steps=9)
    writer = progress_callback.ProgressWriter(RunFolder(tmp_path), 10)
    with refusal("diverged", TrainingError, match="step 3"):
        writer.on_log(None, state, None, logs)
