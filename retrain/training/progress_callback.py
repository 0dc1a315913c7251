"""Trainer callback that writes a run's progress."""

import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from transformers import TrainerCallback, TrainerState

from monitor.errors import TrainingError
from retrain.run_folder import RunFolder, canonical, write_json, write_lines

#: Figures of the trainer's log that are finite as long as training is sound.
_FIGURES = {
    "loss": "the loss",
    "grad_norm": "the gradient's norm",
    "eval_loss": "the validation loss",
}


class ProgressWriter(TrainerCallback):  # type: ignore[misc]  # transformers publishes no types
    """A callback that appends each step to ``progress.jsonl`` and replaces the heartbeat."""

    def __init__(self, folder: RunFolder, tokens_per_epoch: int) -> None:
        self._folder = folder
        self._tokens_per_epoch = tokens_per_epoch
        self._began = 0.0
        self._first_epoch = 0.0
        self._first_step = 0

    def on_train_begin(
        self,
        args: Any,  # noqa: ARG002 - the trainer's signature, here and below
        state: TrainerState,
        control: Any,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Start the clock and write the first heartbeat."""
        self._began = time.monotonic()
        self._first_epoch = state.epoch or 0.0
        self._first_step = state.global_step
        self._forget_after(state.global_step)
        self._write({"step": state.global_step, "steps": state.max_steps})

    def on_log(
        self,
        args: Any,  # noqa: ARG002
        state: TrainerState,
        control: Any,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Write the trainer's log entry of a step or of the validation set.

        Raises:
            TrainingError: A loss or the gradient is not a number. The step's checkpoint is not
                written yet: the last one has sound weights.
        """
        _require_finite(state.global_step, logs or {})
        if logs and "eval_loss" in logs:
            self._append({"step": state.global_step, "validation_loss": float(logs["eval_loss"])})
        if not logs or "loss" not in logs:
            return
        seconds = time.monotonic() - self._began
        tokens = ((state.epoch or 0.0) - self._first_epoch) * self._tokens_per_epoch
        done = state.global_step - self._first_step
        left = seconds / done * (state.max_steps - state.global_step) if done else 0.0
        self._write(
            {
                "step": state.global_step,
                "steps": state.max_steps,
                "epoch": round(state.epoch or 0.0, 4),
                "loss": float(logs["loss"]),
                "learning_rate": float(logs.get("learning_rate", 0.0)),
                "seconds": round(seconds, 3),
                "seconds_left": round(left, 1),
                "tokens_per_second": round(tokens / seconds, 1) if seconds > 0 else 0.0,
            }
        )

    def _forget_after(self, step: int) -> None:
        """Drop lines of repeated steps, and the incomplete line of a killed child."""
        path = self._folder.progress
        if not path.is_file():
            return
        retained = []
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if 0 < line["step"] <= step:
                retained.append(line)
        write_lines(path, retained)

    def _append(self, line: dict[str, Any]) -> None:
        with self._folder.progress.open("a", encoding="utf-8") as file:
            file.write(canonical(line) + "\n")

    def _write(self, line: dict[str, Any]) -> None:
        self._append(line)
        write_json(self._folder.heartbeat, {**line, "at": datetime.now(UTC).isoformat()})


def _require_finite(step: int, logs: Mapping[str, float]) -> None:
    for key, noun in _FIGURES.items():
        if key in logs and not math.isfinite(float(logs[key])):
            raise TrainingError(
                f"diverged at step {step}: {noun} is {float(logs[key])}; plan a run with a lower "
                "learning_rate, or with another base if its weights hold such values",
                code="diverged",
            )
