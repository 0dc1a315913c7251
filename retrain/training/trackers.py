"""Environment of the trackers that get the losses of a run, such as TensorBoard."""

import os
from collections.abc import Sequence

from retrain.run_folder import RunFolder


def allow_trackers(names: Sequence[str], folder: RunFolder) -> None:
    """Set the environment of trackers, before transformers reads it."""
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(folder.root / "tensorboard"))
    if "mlflow" in names:
        os.environ.pop("DISABLE_MLFLOW_INTEGRATION", None)
