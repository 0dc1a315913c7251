"""The demo's first chapters: version 1 is trained and accepted, and what is normal is recorded."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.demo.narrator import Step
from monitor.demo.production import conversation
from monitor.demo.stage import Stage
from monitor.demo.world import Request
from monitor.errors import TrainingError
from monitor.store.engine import transaction
from monitor.store.registry import VersionRow, version_by_id

if TYPE_CHECKING:
    from monitor.demo.models import DemoModel
    from retrain.benchmark_item import BenchmarkItem
    from retrain.runs import RunState


def training_rows(requests: list[Request]) -> list[dict[str, Any]]:
    """Return requests as training examples, in the words with which production asks."""
    return [
        {
            "messages": [
                *conversation(request.prompt),
                {"role": "assistant", "content": request.expected},
            ],
            "metadata": {"task_type": request.task_type},
        }
        for request in requests
    ]


def benchmark_items(old: list[Request], new: list[Request]) -> list["BenchmarkItem"]:
    """Return held-out requests as benchmark items."""
    from retrain.benchmark_item import BenchmarkItem

    return [
        BenchmarkItem(
            id=request.request_id,
            messages=tuple(conversation(request.prompt)),
            expected=request.expected,
            task_type=request.task_type,
            split="new" if request.is_new else "old",
        )
        for request in (*old, *new)
    ]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def train_first_version(
    stage: Stage,
    model: "DemoModel",
    rows: list[dict[str, Any]],
    items: list["BenchmarkItem"],
    seed: int,
) -> VersionRow:
    """Train version 1 in a child process, score it, and let it serve."""
    from retrain.dataset import original_training_set
    from retrain.launchers.local import SubprocessLauncher
    from retrain.registry import promote
    from retrain.runs import plan_run, prepare_run, start_run

    name, now = stage.settings.model.name, datetime.now(UTC)
    with transaction(stage.engine) as connection:
        run_id = plan_run(
            connection,
            model=name,
            recipe=model.first_recipe(seed),
            work_dir=Path(stage.settings.retrain.work_dir),
            now=now,
        )
        prepare_run(connection, run_id, original_training_set(rows, seed=seed), items)
    start_run(stage.engine, run_id, SubprocessLauncher(), now)
    state = watch_run(stage, run_id, "train version 1")
    with transaction(stage.engine) as connection:
        version_id = require_version(state)
        promote(connection, version_id, changed_by="demo", reason="first version", now=now)
        return version_by_id(connection, version_id)


def watch_run(stage: Stage, run_id: int, description: str) -> "RunState":
    """Follow a training child to its end: one bar for the steps, one for the scoring."""
    from retrain.launchers.local import SubprocessLauncher
    from retrain.runs import poll_run

    launcher = SubprocessLauncher()

    def poll() -> "RunState":
        return poll_run(stage.engine, run_id, launcher, datetime.now(UTC))

    def follow(step: Step, phase: str) -> "RunState":
        while (state := poll()).run.status == "running":
            now_at = state.progress.get("phase", "training")
            if now_at != phase and state.progress:
                return state
            if "steps" in state.progress:
                step.update(state.progress["step"], state.progress["steps"])
            time.sleep(0.2)
        return state

    with stage.narrator.step(f"{description} (a child process)") as step:
        state = follow(step, "training")
    if state.run.status == "running":
        with stage.narrator.step("score it on held-out requests") as step:
            state = follow(step, "scoring")
    return state


def require_version(state: "RunState") -> int:
    """Return the version that a run registered.

    Raises:
        TrainingError: The run failed.
    """
    if state.version_id is None:
        raise TrainingError(f"training run {state.run.id} {state.run.status}: {state.run.error}")
    return state.version_id
