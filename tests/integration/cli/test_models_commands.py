"""`driftwarden models`: all that is known of a version, and what differs between two."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.store.training.baseline_plans import close_baseline_plan, pending_baseline_plan
from monitor.store.training.candidate_results import StratumScore
from retrain.data import build_training_set
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version, store_scores
from retrain.training.runs import plan_run, prepare_run
from tests.support.retrain.launched_runs import NOW
from tests.support.retrain.tiny_model import NEW, examples
from tests.support.traffic.stored_traffic import store_traffic


class Shell:
    """A database and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        url = f"sqlite:///{folder / 'desk.db'}"
        self.engine = make_engine(url)
        upgrade(self.engine)
        self.config = folder / "config.toml"
        self.config.write_text(f"[database]\nurl = '{url}'\n", encoding="utf-8")

    def models(self, *arguments: str) -> str:
        done = CliRunner().invoke(app, ["models", *arguments, "--config", str(self.config)])
        assert done.exit_code == 0, done.output
        return done.stdout

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
            )  # fmt: skip

    def score(self, version: int, value: float, stratum: str = "") -> None:
        scores = [StratumScore(stratum, "exact_match", value, value - 0.05, value + 0.05, 120)]
        with transaction(self.engine) as connection:
            store_scores(connection, version, f"acceptance{stratum}", scores, NOW)

    def promote(self, version: int) -> None:
        with transaction(self.engine) as connection:
            promote(connection, version, changed_by="lea", reason="better", now=NOW)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.engine.dispose()


def test_show_tells_all_that_is_known(shell: Shell) -> None:
    one = shell.version(20)
    shell.score(one, 0.8)
    shell.promote(one)
    two = shell.version(24, parent=one, rank=4)
    shell.promote(two)
    shown = shell.models("show", "desk", "1")
    assert shown.startswith("desk version 1: archived\n")
    assert "by training run 1\n" in shown
    assert "parent:  none\n" in shown
    assert "digest:  sha256:1\n" in shown
    assert "baseline: none of its own: another version was promoted on 2026-11-02\n" in shown
    assert "  versions.trl = 1.16\n" in shown
    assert "  rank = 16\n" in shown
    assert "  n_gold = 20\n" in shown
    assert "0.800 [0.750, 0.850]  n = 120\n" in shown
    assert "candidate -> production by lea: better\n" in shown
    assert "production -> archived by lea: followed by version 2\n" in shown
    second = shell.models("show", "desk", "2")
    assert "parent:  version 1\n" in second
    assert "baseline: the model's newest, until a whole window of its own traffic" in second
    assert "scores: not measured yet\n" in second
    made = store_traffic(shell.engine, NOW, 20, seed=1, baseline=True, model="desk", version="2")
    with transaction(shell.engine) as connection:
        plan = pending_baseline_plan(connection, "desk")
        assert plan is not None
        assert made is not None
        close_baseline_plan(connection, plan.id, made, NOW + timedelta(days=14))
    assert f"baseline: baseline {made}\n" in shell.models("show", "desk", "2")


def test_a_version_registered_by_hand_is_shown_too(shell: Shell) -> None:
    with transaction(shell.engine) as connection:
        register_version(
            connection, model="desk", adapter_path="a", adapter_digest="d", lineage={}, now=NOW
        )
    shown = shell.models("show", "desk", "1")
    assert "by hand\n" in shown
    assert "baseline: it never served, so it has none\n" in shown
    assert shown.endswith("scores: not measured yet\nmoves: none yet\n")


def test_diff_tells_what_differs_and_both_scores(shell: Shell) -> None:
    one = shell.version(20)
    two = shell.version(24, parent=one, rank=4, learning_rate=1e-3)
    shell.score(one, 0.8)
    shell.score(two, 0.9)
    shell.score(two, 0.7, "split=new")
    shown = shell.models("diff", "desk", "1", "2")
    assert "recipe:\n" in shown
    assert "  rank: 16 -> 4\n" in shown
    assert "  learning_rate: 0.0002 -> 0.001\n" in shown
    assert "data:\n" in shown
    assert "  n_gold: 20 -> 24\n" in shown
    assert "  parent: - -> version 1\n" in shown
    assert "  training_run: 1 -> 2\n" in shown
    assert "  seed" not in shown  # the same
    assert "0.800 [0.750, 0.850] -> 0.900 [0.850, 0.950]  (+0.100)\n" in shown
    assert "not measured -> 0.700 [0.650, 0.750]\n" in shown


def test_diff_as_json(shell: Shell) -> None:
    one = shell.version(20)
    shell.version(20, parent=one, rank=4)
    shell.score(one, 0.8)
    shown = json.loads(shell.models("diff", "desk", "1", "2", "--json"))
    assert {"section": "recipe", "name": "rank", "first": "16", "second": "4"} in shown[
        "differences"
    ]
    (score,) = shown["scores"]
    assert (score["first"]["value"], score["second"]) == (0.8, None)


def test_diff_of_a_run_whose_folder_is_gone(shell: Shell) -> None:
    shell.version(20)
    shell.version(20)
    for file in (shell.folder / "runs").rglob("dataset.json"):
        file.unlink()
    shown = shell.models("diff", "desk", "1", "2")
    assert "data: the same\n" in shown
    assert "recipe: the same\n" in shown
    assert "scores: neither was measured\n" in shown
    assert (
        msgspec.json.decode(shell.models("diff", "desk", "1", "1", "--json"))["differences"] == []
    )
