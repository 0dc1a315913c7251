"""Progress of a training, as its child writes it and as others read it."""

import time
from datetime import UTC, datetime
from typing import Any

from transformers import TrainerCallback, TrainerState

from retrain.run_folder import RunFolder, canonical, write_json


class ProgressWriter(TrainerCallback):  # type: ignore[misc]  # transformers publishes no types
    """Appends a line a step to ``progress.jsonl`` and replaces ``heartbeat.json``."""

    def __init__(self, folder: RunFolder, tokens_per_epoch: int) -> None:
        self._folder = folder
        self._tokens_per_epoch = tokens_per_epoch
        self._began = 0.0
        self._first_epoch = 0.0

    def on_train_begin(
        self,
        args: Any,  # noqa: ARG002 - the trainer's signature, here and below
        state: TrainerState,
        control: Any,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Start the clock and show that the model is loaded."""
        self._began = time.monotonic()
        self._first_epoch = state.epoch or 0.0
        self._write({"step": state.global_step, "steps": state.max_steps})

    def on_log(
        self,
        args: Any,  # noqa: ARG002
        state: TrainerState,
        control: Any,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        """Write what the trainer logged about a step."""
        if not logs or "loss" not in logs:
            return
        seconds = time.monotonic() - self._began
        tokens = ((state.epoch or 0.0) - self._first_epoch) * self._tokens_per_epoch
        self._write(
            {
                "step": state.global_step,
                "steps": state.max_steps,
                "epoch": round(state.epoch or 0.0, 4),
                "loss": float(logs["loss"]),
                "learning_rate": float(logs.get("learning_rate", 0.0)),
                "seconds": round(seconds, 3),
                "tokens_per_second": round(tokens / seconds, 1) if seconds > 0 else 0.0,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        with self._folder.progress.open("a", encoding="utf-8") as file:
            file.write(canonical(line) + "\n")
        write_json(self._folder.heartbeat, {**line, "at": datetime.now(UTC).isoformat()})
