"""`driftwarden forget`, killed before chosen statements: the next run completes it."""

import os
import random
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.forget import forget
from monitor.privacy.proof.check import check_erasures
from monitor.settings import Secrets
from monitor.store.audit_log import check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange
from tests.integration.privacy.end_user_world import ANN, HERS, EndUserWorld, make_end_user_world
from tests.integration.privacy.test_forget_others_words import assert_nothing_left, cancelled_run
from tests.integration.privacy.test_proof import HER_STORY


def killed_at(world: EndUserWorld, clock: datetime, statement: int | str) -> bool:
    """Run the erasure in another process that dies before a statement; return whether it died.

    The statement is the one of a number, or the first that begins with a text.
    """

    def erase() -> None:
        engine = make_engine(world.settings.database.url)
        executed = 0

        def count(*arguments: Any) -> None:
            nonlocal executed
            executed += 1
            text = arguments[2] if len(arguments) > 2 else ""
            is_it = (
                executed >= statement
                if isinstance(statement, int)
                else (text.startswith(statement))
            )
            if is_it:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine, "commit", count)
        forget(engine, world.settings, ErasureRequest(ANN), clock)

    child = get_context("fork").Process(target=erase)
    child.start()
    child.join()
    return child.exitcode == -signal.SIGKILL


def statements(*, every: bool) -> Sequence[int]:
    """Return the numbers of the statements before which an erasure dies, one after another."""
    if every:
        return range(1, 2000)
    return sorted(random.Random(40).sample(range(1, 200), 4))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "every",
    [pytest.param(False, id="short"), pytest.param(True, id="drill", marks=pytest.mark.drill)],
)
def test_erasure_killed_at_a_statement_is_completed(
    any_engine: Engine, tmp_path: Path, clock: datetime, every: bool
) -> None:
    world = make_end_user_world(any_engine, tmp_path, clock)
    cancelled_run(world, clock)
    any_engine.dispose()
    n_killed = 0
    for statement in statements(every=every):
        if not killed_at(world, clock, statement):
            break
        n_killed += 1
    assert n_killed > 0, "no erasure was killed"

    report = forget(world.engine, world.settings, ErasureRequest(ANN), clock)

    assert_nothing_left(world, report)
    with transaction(world.engine) as connection:
        assert check_chain(connection).broken_at is None


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE erasures SET finished_at"])
def test_kill_does_not_lose_the_proof(
    any_engine: Engine, tmp_path: Path, clock: datetime, statement: str
) -> None:
    """Killed, and the rest of her texts gone by retention: a copy of them is found all the same."""
    made = make_end_user_world(any_engine, tmp_path, clock)
    retrain = made.settings.retrain.model_copy(update={"work_dir": str(tmp_path / "runs")})
    world = replace(made, settings=made.settings.model_copy(update={"retrain": retrain}))
    hers = Exchange.exchange_id == f"exchange-{HERS[0]}"
    with transaction(any_engine) as connection:
        connection.execute(update(Exchange).where(hers).values(prompt=HER_STORY))
    any_engine.dispose()
    assert killed_at(world, clock, statement)
    with transaction(any_engine) as connection:
        connection.execute(update(Exchange).where(hers).values(prompt=""))
    copy = tmp_path / "runs" / "copy.txt"
    copy.write_text(HER_STORY)

    checked = check_erasures(world.engine, world.settings, Secrets(), clock)
    report = forget(world.engine, world.settings, ErasureRequest(ANN), clock)

    assert checked is not None
    assert str(copy) in {row.place for row in checked.findings}
    assert {row.place for row in report.findings} == {str(copy)}
    copy.unlink()
    report = forget(world.engine, world.settings, ErasureRequest(ANN), clock)
    assert_nothing_left(world, report)
