"""A run in a folder, and stand-ins for Python with scripted behaviour."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.registry import version_by_id
from monitor.store.training.runs import RunRow, run_by_id
from retrain.data import TrainingSet, build_training_set
from retrain.evaluation.lifecycle import plan_evaluation, poll_evaluation
from retrain.evaluation.request import request_for
from retrain.jobs.launcher import Launcher
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder
from retrain.training.runs import RunState, plan_run, poll_run, prepare_run
from tests.support.retrain.tiny_model import NEW, OLD, benchmark, examples

T = TypeVar("T")
NOW = datetime(2026, 11, 2, tzinfo=UTC)
PATIENCE_SECONDS = 150.0
#: Where the project's own packages are: a stand-in for an installed driftwarden.
ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def stand_in(folder: Path, body: str) -> str:
    """Return the command of a scripted Python; its arguments are in `sys.argv`."""
    script = folder / "stand_in.py"
    script.write_text(f"import sys, time, os\n{body}\n", encoding="utf-8")
    return f"{sys.executable} {script}"


@dataclass
class LaunchDesk:
    """A database with a prepared run of the tiny model."""

    engine: Engine
    folder: Path
    base: Path

    @property
    def work_dir(self) -> Path:
        return self.folder / "runs"

    def plan(self, launcher: str, rows: TrainingSet | None = None, **recipe: Any) -> int:
        values = {
            "base": str(self.base), "epochs": 2.0, "learning_rate": 1e-2, "batch_size": 8,
            "max_length": 64, **recipe,
        }  # fmt: skip
        training = rows or build_training_set(
            examples(NEW, 30), examples(OLD, 30), replay_share=0.3, seed=1
        )
        with transaction(self.engine) as connection:
            run = plan_run(
                connection, model="desk", recipe=Recipe(**values), work_dir=self.work_dir,
                now=NOW, launcher=launcher,
            )  # fmt: skip
            prepare_run(connection, run, training)
        return run

    def row(self, run: int) -> RunRow:
        with transaction(self.engine) as connection:
            return run_by_id(connection, run)

    def files(self, run: int) -> RunFolder:
        return RunFolder(Path(self.row(run).work_dir))

    def ended(self, run: int, launcher: Launcher) -> RunState:
        """Poll a run until it has ended."""

        def poll() -> RunState | None:
            state = poll_run(self.engine, run, launcher, NOW)
            return state if state.run.status != "running" else None

        return eventually(poll)

    def plan_evaluation(self, version_id: int) -> int:
        """Plan an evaluation of a run's version with six items."""
        self.folder.joinpath("desk.jsonl").write_bytes(
            b"\n".join(msgspec.json.encode(item) for item in benchmark(3))
        )
        file = self.folder / "evaluation.yaml"
        file.write_text(
            "evaluation:\n  benchmarks:\n"
            "    - {name: desk, dataset: desk.jsonl, metrics: [exact_match]}\n"
        )
        settings = Settings(retrain={"scoring": {"max_new_tokens": 8}})
        with transaction(self.engine) as connection:
            version = version_by_id(connection, version_id)
            request = request_for(connection, version, settings, file)
            return plan_evaluation(connection, version, request, by="test", now=NOW)

    def evaluated(self, evaluation: int, launcher: Launcher) -> CandidateEvaluationRow:
        """Poll an evaluation until it has ended."""

        def poll() -> CandidateEvaluationRow | None:
            row = poll_evaluation(self.engine, evaluation, launcher, NOW).row
            return row if row.status != "running" else None

        return eventually(poll)


def eventually(look: Callable[[], T | None]) -> T:
    """Poll until a function returns a value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (matches := look()) is None or matches is False:
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
    return matches
