"""Launch of the demo's version 1: training, acceptance and baseline."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.demo.production import conversation
from monitor.demo.request_generator import FIRST_WEEK, Request
from monitor.demo.workspace import Workspace
from monitor.errors import TrainingError
from monitor.store.engine import transaction
from monitor.store.training.registry import VersionRow, version_by_id

if TYPE_CHECKING:
    from monitor.demo.models import DemoModel
    from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
    from retrain.data.benchmarks.item import BenchmarkItem
    from retrain.training.runs import RunState

#: Before the weeks of the baseline.
LAUNCHED = FIRST_WEEK - timedelta(weeks=4)

#: Between two looks at a child; each reads and writes the database.
POLL_SECONDS = 0.5

EVALUATION = """\
evaluation:
  benchmarks:
    - name: requests
      dataset: {name}.jsonl
      metrics: [exact_match, token_f1]
      stratify_by: [task_type]
"""


def training_rows(requests: list[Request]) -> list[dict[str, Any]]:
    """Return requests as training examples, with production's system prompt."""
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
    from retrain.data.benchmarks.item import BenchmarkItem

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


def write_evaluation(folder: Path, name: str) -> Path:
    """Write an evaluation file; its benchmark has the items ``name.jsonl`` of the same folder."""
    file = folder / f"{name}.yaml"
    file.write_text(EVALUATION.format(name=name), encoding="utf-8")
    return file


def write_recipe(folder: Path, base: Path, values: Mapping[str, Any]) -> Path:
    """Write the recipe of a retraining."""
    file = folder / "recipe.toml"
    named = {"base": str(base.absolute()), **values}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in named.items()]
    file.write_text("".join(lines), encoding="utf-8")
    return file


def write_benchmark(folder: Path, name: str, items: list["BenchmarkItem"]) -> None:
    """Write the items of a benchmark."""
    import msgspec

    write_rows(folder / f"{name}.jsonl", [msgspec.to_builtins(item) for item in items])


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def train_first_version(
    workspace: Workspace,
    model: "DemoModel",
    rows: list[dict[str, Any]],
    evaluation: Path,
    seed: int,
) -> "tuple[VersionRow, CandidateEvaluationRow]":
    """Train version 1 in one process, evaluate it in another, and promote it."""
    from monitor.settings.evaluation_file import read_plan
    from retrain.data import DataChecks, original_training_set
    from retrain.data.leakage.leak_check import benchmark_texts
    from retrain.registry.stages import promote
    from retrain.training.runs import plan_run, prepare_run, start_run

    name, now = workspace.settings.model.name, datetime.now(UTC)
    checks = DataChecks(
        rules=workspace.settings.retrain.data, benchmarks=benchmark_texts(read_plan(evaluation))
    )
    with transaction(workspace.engine) as connection:
        run_id = plan_run(
            connection,
            model=name,
            recipe=model.first_recipe(seed),
            work_dir=Path(workspace.settings.retrain.work_dir),
            now=now,
        )
        prepare_run(connection, run_id, original_training_set(rows, seed=seed, checks=checks))
    start_run(workspace.engine, run_id, workspace.launcher, now)
    state = watch_run(workspace, run_id, "train version 1")
    version_id = require_version(state)
    evaluated = watch_evaluation(workspace, plan_evaluation(workspace, version_id, evaluation))
    with transaction(workspace.engine) as connection:
        promote(connection, version_id, changed_by="demo", reason="first version", now=LAUNCHED)
        return version_by_id(connection, version_id), evaluated


def watch_run(workspace: Workspace, run_id: int, description: str) -> "RunState":
    """Wait for a training run, and show its progress."""
    from retrain.training.runs import poll_run

    launcher = workspace.launcher
    with workspace.console.step(f"{description} (in a separate process)") as step:
        while (
            state := poll_run(workspace.engine, run_id, launcher, datetime.now(UTC))
        ).run.status == "running":
            if "steps" in state.progress:
                step.update(state.progress["step"], state.progress["steps"])
            time.sleep(POLL_SECONDS)
    return state


def plan_evaluation(workspace: Workspace, version_id: int, file: Path) -> int:
    """Plan a candidate evaluation with a given evaluation file; return its id."""
    from retrain.evaluation import lifecycle
    from retrain.evaluation.request import request_for

    with transaction(workspace.engine) as connection:
        version = version_by_id(connection, version_id)
        request = request_for(connection, version, workspace.settings, file)
        return lifecycle.plan_evaluation(
            connection, version, request, by="demo", now=datetime.now(UTC)
        )


def watch_evaluation(workspace: Workspace, evaluation_id: int) -> "CandidateEvaluationRow":
    """Run a candidate evaluation to its result; ``TrainingError`` where it failed."""
    from retrain.evaluation.lifecycle import poll_evaluation, start_evaluation

    launcher = workspace.launcher
    with workspace.console.step("evaluate the candidate (in a separate process)") as step:
        start_evaluation(workspace.engine, evaluation_id, launcher, datetime.now(UTC))
        while (
            state := poll_evaluation(workspace.engine, evaluation_id, launcher, datetime.now(UTC))
        ).row.status == "running":
            if "steps" in state.progress:
                step.update(state.progress["step"], state.progress["steps"])
            time.sleep(POLL_SECONDS)
    if state.row.results is None:
        raise TrainingError(f"evaluation {evaluation_id} {state.row.status}: {state.row.error}")
    return state.row


def require_version(state: "RunState") -> int:
    """Return the version that a run registered; ``TrainingError`` where the run failed."""
    if state.version_id is None:
        raise TrainingError(f"training run {state.run.id} {state.run.status}: {state.run.error}")
    return state.version_id


def require_evaluation(planned: "CandidateEvaluationRow | None") -> int:
    """Return the id of the evaluation planned for a version; ``TrainingError`` without one."""
    if planned is None:
        raise TrainingError("the daemon planned no evaluation of the candidate; see demo.log")
    return planned.id
