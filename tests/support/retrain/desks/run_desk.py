"""Training runs without training: a database, a folder and a fake launcher."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.training.registry import VersionRow, version_by_id
from monitor.store.training.runs import RunRow, run_by_id
from retrain.data import build_training_set
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version
from retrain.training.runs import plan_run, poll_run, prepare_run, start_run
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.tiny_model import NEW, examples

RECIPE = Recipe(base="some/base", rank=4)
ROWS = build_training_set(examples(NEW, 20), [], replay_share=0.0, seed=1)


class RunDesk:
    """A database, a folder and a fake launcher."""

    def __init__(self, engine: Engine, folder: Path, now: datetime) -> None:
        self.engine = engine
        self.folder = folder
        self.now = now
        self.launcher = FakeLauncher()

    def plan(self, *, prepared: bool = True, **recipe: Any) -> int:
        requested = msgspec.structs.replace(RECIPE, **recipe)
        with transaction(self.engine) as connection:
            run = plan_run(
                connection, model="desk", recipe=requested, work_dir=self.folder, now=self.now
            )
            if prepared:
                prepare_run(connection, run, ROWS)
        return run

    def start(self, **recipe: Any) -> int:
        run = self.plan(**recipe)
        start_run(self.engine, run, self.launcher, self.now)
        return run

    def row(self, run: int) -> RunRow:
        with transaction(self.engine) as connection:
            return run_by_id(connection, run)

    def poll(self, run: int) -> Any:
        return poll_run(self.engine, run, self.launcher, self.now)

    def serve(self, weights: str) -> int:
        """Register a version with a path of weights, and make it serve."""
        with transaction(self.engine) as connection:
            version = register_version(
                connection, model="desk", adapter_path=weights, adapter_digest="d", lineage={},
                now=self.now,
            )  # fmt: skip
            promote(connection, version, changed_by="lea", reason="first", now=self.now)
        return version

    def version(self, version_id: int | None) -> VersionRow:
        with transaction(self.engine) as connection:
            return version_by_id(connection, version_id or 0)
