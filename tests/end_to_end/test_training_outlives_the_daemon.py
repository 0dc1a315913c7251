"""Kills of the daemon process during training, then of its child."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import Engine, insert, select, update

from monitor.store.engine import make_engine, transaction
from monitor.store.review.decisions import confirm_decision
from monitor.store.review.reviews import insert_gold
from monitor.store.tables import Decision, Exchange, ReviewItem
from monitor.store.training import registry as versions
from monitor.store.training.runs import RunRow, list_runs
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.jobs.process_identity import start_ticks
from retrain.jobs.progress import last_progress, losses
from retrain.run_folder import RunFolder
from tests.services.warm_interpreter import ForkedProcess, warm_interpreter
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.retrain.recipes import write_recipe
from tests.support.retrain.tiny_model import OLD, examples
from tests.support.review.review_world import make_world

pytestmark = [pytest.mark.language_model, pytest.mark.timeout(900)]

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PATIENCE_SECONDS = 400
#: Enough for two stops and a death after the first checkpoint: 48 steps.
EPOCHS = 8

Daemon: TypeAlias = subprocess.Popen[bytes] | ForkedProcess


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = make_engine(f"sqlite:///{tmp_path / 'd.db'}")
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return an untrained tiny base with the vocabulary of the review world."""
    from retrain.models.tiny_base import TinyShape, make_tiny_base

    shape = TinyShape(hidden_size=64, n_heads=2, vocabulary=400, max_length=1024, epochs=0.0)
    conversations = [row["messages"] for row in examples(OLD, 40)]
    return make_tiny_base(tmp_path / "base", conversations, seed=1, shape=shape)


@pytest.fixture
def config(tmp_path: Path, engine: Engine, base: Path) -> Path:
    """Return the daemon's configuration, with a confirmed decision to retrain on 30 gold items."""
    world = make_world(engine, NOW, n=40, users=False)
    with transaction(engine) as connection:
        items = connection.execute(
            select(ReviewItem.id).order_by(ReviewItem.position).limit(30)
        ).scalars().all()  # fmt: skip
        for item in items:
            insert_gold(
                connection, item, 1, NOW, verdict="correct", response=OLD[1],
                error_kind="knowledge", resolution="agreed", cause="",
            )  # fmt: skip
        connection.execute(update(ReviewItem).where(ReviewItem.id.in_(items)).values(status="gold"))
        # None of its windows has ended: the daemon evaluates nothing.
        connection.execute(update(Exchange).values(occurred_at=utc_now()))
        decision = connection.execute(
            insert(Decision).values(
                batch_id=world.batch_id, model="assistant", recommendation="retrain",
                inputs={"batches": [world.batch_id]}, decided_at=NOW,
            ).returning(Decision.id)
        ).scalar_one()  # fmt: skip
        confirm_decision(connection, decision, "Lea", NOW)
    original = tmp_path / "original.jsonl"
    original.write_text(
        "".join(json.dumps(row) + "\n" for row in examples(OLD, 40)), encoding="utf-8"
    )
    recipe = write_recipe(
        tmp_path / "recipe.toml", base=str(base), method="lora", epochs=EPOCHS, batch_size=8,
        rank=4, max_length=1024, checkpoint_steps=5,
    )  # fmt: skip
    path = tmp_path / "config.toml"
    path.write_text(
        f'[models.assistant]\n[database]\nurl = "sqlite:///{tmp_path / "d.db"}"\n'
        f'[retrain]\nrecipe = "{recipe}"\ntraining_data = "{original}"\n'
        f'work_dir = "{tmp_path / "runs"}"\nmax_resumptions = 1\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def daemons(config: Path, engine: Engine) -> Iterator[Callable[[], Daemon]]:
    """Return what starts a daemon: the first as a new interpreter, as its child is one."""
    started: list[Daemon] = []
    log = (config.parent / "daemon.log").open("wb")
    root = str(Path(__file__).parents[2])

    def start() -> Daemon:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}
        arguments = ("run", "--only", "schedule", "-c", str(config))
        if started:
            daemon: Daemon = warm_interpreter().start_command(
                *arguments, env=environment, cwd=config.parent, output=log, warm_children=True
            )
        else:
            command = [sys.executable, "-c", "from monitor.cli import main; main()"]
            daemon = subprocess.Popen(
                [*command, *arguments], stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        daemon.kill()
        daemon.wait()
    log.close()
    with transaction(engine) as connection:
        left = [run.handle for run in list_runs(connection, statuses=("running",))]
    for handle in left:
        SubprocessLauncher().cancel(handle or {})


def wait_for(engine: Engine, holds: Callable[[RunRow], bool], log: Path) -> RunRow:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with transaction(engine) as connection:
            rows = list_runs(connection)
        if rows and holds(rows[0]):
            return rows[0]
        ended = rows and rows[0].status in ("failed", "cancelled")
        assert not ended, (rows[0].error, log.read_text()[-3000:])
        assert time.monotonic() < deadline, (rows, log.read_text()[-3000:])
        time.sleep(0.5)


def step_of(row: RunRow) -> int:
    return int(((row.progress or {}).get("last") or {}).get("step", 0))


def hold_when(folder: RunFolder, child: int, holds: Callable[[], object]) -> None:
    """Stop a child in a state, so that it can't end before the daemon's next poll."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert start_ticks(child) is not None, folder.log.read_text()[-2000:]
        assert time.monotonic() < deadline, folder.log.read_text()[-2000:]
        time.sleep(0.01)
    os.kill(child, signal.SIGSTOP)


def test_a_daemon_adopts_live_children_and_resumes_killed_ones(
    engine: Engine, config: Path, daemons: Callable[[], Daemon]
) -> None:
    log = config.parent / "daemon.log"
    first = daemons()
    row = wait_for(engine, lambda row: row.status == "running" and bool(row.handle), log)
    child = (row.handle or {})["pid"]
    folder = RunFolder(Path(row.work_dir))
    hold_when(folder, child, folder.last_checkpoint)
    seen = step_of(wait_for(engine, lambda row: step_of(row) > 0, log))
    first.kill()
    first.wait()

    os.kill(child, signal.SIGCONT)
    hold_when(folder, child, lambda: last_progress(folder)["step"] > seen)  # with no daemon
    daemons()
    row = wait_for(engine, lambda row: step_of(row) > seen or row.status != "running", log)
    assert (row.status, (row.handle or {})["pid"], row.resumptions) == ("running", child, 0)

    os.kill(child, signal.SIGKILL)
    row = wait_for(engine, lambda row: row.status not in ("planned", "running"), log)
    assert (row.status, row.resumptions) == ("succeeded", 1), row.error
    assert (row.handle or {})["pid"] != child
    n_steps = (row.result or {})["steps"]
    assert seen < n_steps
    assert [step for step, _ in losses(folder)] == list(range(1, n_steps + 1))
    with transaction(engine) as connection:
        version = versions.version_of_run(connection, row.id)
    assert version is not None
    assert version.stage == "candidate"
