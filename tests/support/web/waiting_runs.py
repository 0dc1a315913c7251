"""Training runs that wait for their start, ended ones, and their taints."""

from datetime import datetime, timedelta
from pathlib import Path

from monitor.store.engine import transaction
from monitor.store.privacy.erasures import insert_erasure
from monitor.store.training.runs import (
    RunRow,
    finish_run,
    mark_running,
    run_by_id,
    save_progress,
)
from monitor.store.training.taints import add_taint
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, write_json
from retrain.training.runs import plan_run
from tests.support.review.review_world import World

OPTION = {
    "method": "lora", "base": "a/base", "n_parameters": 1000, "n_trained": 10,
    "needed_gib": 3.25, "fits": True, "servable": True,
}  # fmt: skip


def make_run(world: World, clock: datetime, folder: Path, ended: str = "") -> int:
    """Plan a run with its data and, where it ended, end it."""
    with transaction(world.engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=Recipe(base="a/base"), work_dir=folder,
            now=clock, plan={"options": [OPTION]},
        )  # fmt: skip
        files = RunFolder(Path(run_by_id(connection, run).work_dir))
        files.root.mkdir(parents=True)
        files.training_data.write_text("{}\n")
        write_json(files.recipe, run_by_id(connection, run).recipe)
        files.card.write_text('{"n_examples": 1234, "n_gold": 1000, "n_replay": 234}')
        if ended:
            mark_running(connection, run, {"number": 0}, clock)
            save_progress(connection, run, {"last": {"step": 40, "steps": 80}})
            minute = clock + timedelta(minutes=7)
            finish_run(connection, run, ended, finished_at=minute, error="out of memory")
    return run


def row_of(world: World, run: int) -> RunRow:
    with transaction(world.engine) as connection:
        return run_by_id(connection, run)


def taint(world: World, run: int, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        erasure = insert_erasure(connection, ["digest"], [], {}, clock, proof_until=clock)
        assert add_taint(connection, erasure, "assistant", "trained_on", clock, run_id=run)
