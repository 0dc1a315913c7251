"""A database and a folder of runs with real training."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.runs import RunRow, run_by_id
from retrain.data import TrainingSet
from retrain.evaluation.lifecycle import plan_evaluation, poll_evaluation, start_evaluation
from retrain.evaluation.request import request_for
from retrain.jobs import local_launcher
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder
from retrain.training.runs import RunState, plan_run, poll_run, prepare_run, start_run
from tests.support.database_copy import create_tables
from tests.support.retrain.tiny_model import benchmark

NOW = datetime(2026, 11, 2, tzinfo=UTC)
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
PATIENCE_SECONDS = 300
EVALUATION = """\
evaluation:
  benchmarks: [{name: desk, dataset: desk.jsonl, metrics: [exact_match]}]
"""


#: Children that a simulated restart has forgotten; as ours they must be waited for all the same.
forgotten: dict[int, subprocess.Popen[bytes]] = {}


def restart() -> SubprocessLauncher:
    """Return the launcher of a new process without knowledge of earlier children."""
    forgotten.update(local_launcher._children)
    local_launcher._children.clear()
    return SubprocessLauncher()


@dataclass
class Desk:
    """A database and a folder of runs; it terminates the children that it starts."""

    folder: Path
    base: Path
    engine: Engine = field(init=False)
    launcher: SubprocessLauncher = field(default_factory=SubprocessLauncher)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.engine = make_engine(f"sqlite:///{self.folder / 'desk.db'}")
        create_tables(self.engine)

    def recipe(self, **values: Any) -> Recipe:
        return Recipe(
            **{
                "base": str(self.base), "epochs": 4.0, "learning_rate": 1e-2, "batch_size": 8,
                "max_length": 64, **values,
            }
        )  # fmt: skip

    def plan(self, recipe: Recipe, rows: TrainingSet, model: str = "desk") -> int:
        with transaction(self.engine) as connection:
            run = plan_run(
                connection, model=model, recipe=recipe, work_dir=self.folder / "runs", now=NOW
            )
            prepare_run(connection, run, rows)
        return run

    def start(self, recipe: Recipe, rows: TrainingSet) -> int:
        run = self.plan(recipe, rows)
        start_run(self.engine, run, self.launcher, NOW, environment=ENVIRONMENT)
        return run

    def row(self, run: int) -> RunRow:
        with transaction(self.engine) as connection:
            return run_by_id(connection, run)

    def files(self, run: int) -> RunFolder:
        return RunFolder(Path(self.row(run).work_dir))

    def poll(self, run: int) -> RunState:
        return poll_run(self.engine, run, self.launcher, NOW)

    def wait(self, run: int, until: Callable[[RunState], bool] | None = None) -> RunState:
        until = until or (lambda state: state.run.status != "running")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not until(state := self.poll(run)):
            assert time.monotonic() < deadline, self.files(run).log.read_text()[-3000:]
            time.sleep(0.1)
        return state

    def evaluate(self, version_id: int) -> CandidateEvaluationRow:
        """Evaluate a version in a child, on the benchmark of the tiny model."""
        file = self.folder / "evaluation.yaml"
        file.write_text(EVALUATION)
        items = [msgspec.json.encode(item) for item in benchmark(52)]  # the gates' least number
        (self.folder / "desk.jsonl").write_bytes(b"\n".join(items))
        settings = Settings(retrain={"gates": {"gate": "point"}, "scoring": {"max_new_tokens": 12}})
        with transaction(self.engine) as connection:
            version = versions.version_by_id(connection, version_id)
            request = request_for(connection, version, settings, file)
            evaluation = plan_evaluation(connection, version, request, by="test", now=NOW)
        start_evaluation(self.engine, evaluation, self.launcher, NOW, environment=ENVIRONMENT)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (
            state := poll_evaluation(self.engine, evaluation, self.launcher, NOW)
        ).row.status == "running":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        forgotten.update(local_launcher._children)
        return state.row

    def succeeded(self, run: int) -> RunState:
        state = self.wait(run)
        assert state.run.status == "succeeded", state.run.error
        return state


@contextmanager
def training_desk(folder: Path, base: Path) -> Iterator[Desk]:
    """Set up a desk; finally terminate its children, also after a failed test."""
    made = Desk(folder, base)
    yield made
    made.engine.dispose()
    restart()
    for child in forgotten.values():
        child.kill()
        child.wait()
    forgotten.clear()
