"""Registered versions, and the commands that show them."""

from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from monitor.cli.app import app
from monitor.store.engine import make_engine, transaction
from monitor.store.training.candidate_results import StratumScore
from retrain.data import build_training_set
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version, store_scores
from retrain.training.runs import plan_run, prepare_run
from tests.support.migrated_copy import migrate
from tests.support.retrain.launched_runs import NOW
from tests.support.retrain.tiny_model import NEW, examples
from tests.support.retrain.weights import record_without_files


class VersionShell:
    """A database with versions of the model "desk", and `driftwarden` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        url = f"sqlite:///{folder / 'desk.db'}"
        self.engine = make_engine(url)
        migrate(self.engine)
        self.config = folder / "config.toml"
        self.config.write_text(f"[database]\nurl = '{url}'\n", encoding="utf-8")

    def models(self, *arguments: str) -> str:
        return self.ok("models", *arguments)

    def ok(self, *arguments: str) -> str:
        """Return the standard output of a command that succeeds."""
        done = self.call(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--config", str(self.config)])

    def version(self, n_examples: int, parent: int | None = None, **recipe: Any) -> int:
        """Register a version with the run that made it, as if it had been trained."""
        rows = build_training_set(examples(NEW, n_examples), [], replay_share=0.0, seed=1)
        with transaction(self.engine) as connection:
            run = plan_run(
                connection, model="desk", recipe=Recipe(base="base", **recipe),
                work_dir=self.folder / "runs", now=NOW,
            )  # fmt: skip
            prepare_run(connection, run, rows)
            return register_version(
                connection, model="desk", adapter_path=f"runs/{run}/adapter",
                adapter_digest=f"sha256:{run}", now=NOW, parent_id=parent, training_run_id=run,
                lineage={"seed": 1, "data_digest": rows.card.digest, "versions": {"trl": "1.16"}},
                identity=record_without_files(NOW),
            )  # fmt: skip

    def score(self, version: int, value: float, stratum: str = "") -> None:
        scores = [StratumScore(stratum, "exact_match", value, value - 0.05, value + 0.05, 120)]
        with transaction(self.engine) as connection:
            store_scores(connection, version, f"acceptance{stratum}", scores, NOW)

    def promote(self, version: int) -> None:
        with transaction(self.engine) as connection:
            promote(connection, version, changed_by="lea", reason="better", now=NOW)
