"""Trackers of transformers that get the losses of a run, such as TensorBoard."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.errors import TrainingError
from retrain.run_folder import RunFolder

if TYPE_CHECKING:
    from transformers import TrainerCallback


def allow_trackers(names: Sequence[str], folder: RunFolder) -> None:
    """Set the environment of trackers, before transformers reads it."""
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(folder.root / "tensorboard"))
    if "mlflow" in names:
        os.environ.pop("DISABLE_MLFLOW_INTEGRATION", None)


def trackers(names: Sequence[str]) -> "list[TrainerCallback]":
    """Return the callbacks of trackers.

    Raises:
        TrainingError: A tracker is unknown, or its package isn't installed.
    """
    from transformers.integrations import get_reporting_integration_callbacks  # noqa: PLC0415

    try:
        return [tracker() for tracker in get_reporting_integration_callbacks(list(names))]
    except (ValueError, RuntimeError, ImportError) as error:
        raise TrainingError(f"recipe.report_to = {list(names)}: {error}", code="tracker") from error
