"""`driftwarden forget`, killed at any moment: the next run completes it and says everything."""

import random
import shutil
import time
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.forget import forget
from monitor.store.audit_log import check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.store.training.taints import taints_of_run
from tests.integration.privacy.end_user_world import ANN, EndUserWorld, make_end_user_world
from tests.integration.privacy.test_forget_others_words import (
    assert_nothing_left,
    cancelled_run,
)

#: Codes of the steps that a run after the first must say again.
SAID_AGAIN = {"model_version", "weights", "slack_message", "audit_log", "baseline", "outside"}


def killed(world: EndUserWorld, clock: datetime, seconds: float) -> bool:
    """Run the erasure in another process and kill it; return whether it was still running."""

    def erase() -> None:
        engine = make_engine(world.settings.database.url)
        forget(engine, world.settings, ErasureRequest(ANN), clock)

    child = get_context("fork").Process(target=erase)
    child.start()
    time.sleep(seconds)
    running = child.is_alive()
    child.kill()
    child.join()
    return running


def world_in(folder: Path, clock: datetime) -> tuple[EndUserWorld, int]:
    """Make a world with a cancelled run, in a folder that can be restored."""
    folder.mkdir()
    engine = make_engine(f"sqlite:///{folder / 'driftwarden.db'}")
    metadata.create_all(engine)
    world = make_end_user_world(engine, folder, clock)
    run, _ = cancelled_run(world, clock)
    engine.dispose()
    return world, run


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "n_kills", [pytest.param(3, id="short"), pytest.param(30, id="drill", marks=pytest.mark.drill)]
)
def test_erasure_after_a_kill_reports_everything(
    tmp_path: Path, clock: datetime, n_kills: int
) -> None:
    folder, saved = tmp_path / "world", tmp_path / "saved"
    world, run = world_in(folder, clock)
    shutil.copytree(folder, saved)
    begin = time.monotonic()
    expected = forget(world.engine, world.settings, ErasureRequest(ANN), clock)
    seconds = time.monotonic() - begin
    world.engine.dispose()
    assert {step.code for step in expected.manual_steps} >= SAID_AGAIN
    moments = random.Random(n_kills)
    n_running = 0
    for kill in range(n_kills):
        shutil.rmtree(folder)
        shutil.copytree(saved, folder)
        n_running += killed(world, clock, moments.uniform(0, seconds))
        if kill % 3 == 0:  # a second one is killed too
            killed(world, clock, moments.uniform(0, seconds))
        report = forget(world.engine, world.settings, ErasureRequest(ANN), clock)
        assert_nothing_left(world, report)
        missing = set(expected.manual_steps) - set(report.manual_steps)
        assert not missing
        with transaction(world.engine) as connection:
            assert check_chain(connection).broken_at is None
            assert taints_of_run(connection, run)
        world.engine.dispose()
    assert n_running > 0, "no erasure was killed: the moments are too late"
