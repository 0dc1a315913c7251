"""`driftwarden forget`, killed before chosen statements: the next run completes it."""

import hashlib
import os
import random
import shutil
import signal
from dataclasses import replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine, event, select, text, update

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.forget import forget
from monitor.privacy.proof.check import check_erasures
from monitor.settings import Secrets
from monitor.store.audit_log import check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Exchange, metadata
from monitor.store.training.taints import taints_of_run
from tests.integration.privacy.end_user_world import ANN, HERS, EndUserWorld, make_end_user_world
from tests.integration.privacy.test_forget_others_words import assert_nothing_left, cancelled_run
from tests.integration.privacy.test_proof import HER_STORY

#: How statements begin that change nothing.
READS = ("SELECT", "PRAGMA", "BEGIN")


def killed_at(world: EndUserWorld, clock: datetime, change: int | str) -> bool:
    """Run the erasure in another process that dies before a change; return whether it died.

    A change is a statement that writes, the commit after it, or what comes first after this commit:
    all others leave what the one before them leaves. ``change`` is its number, or the beginning of
    a statement.
    """

    def erase() -> None:
        engine = make_engine(world.settings.database.url)
        n_changes, is_written, is_committed = 0, False, False

        def count(*arguments: Any) -> None:
            nonlocal n_changes, is_written, is_committed
            statement = str(arguments[2]) if len(arguments) > 2 else ""
            writes = bool(statement) and not statement.startswith(READS)
            commits = is_written and not statement
            n_changes += writes or commits or is_committed
            if n_changes == change or (isinstance(change, str) and statement.startswith(change)):
                os.kill(os.getpid(), signal.SIGKILL)
            is_written = writes or (is_written and not commits)
            is_committed = commits

        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine, "commit", count)
        forget(engine, world.settings, ErasureRequest(ANN), clock)

    child = get_context("fork").Process(target=erase)
    child.start()
    child.join()
    return child.exitcode == -signal.SIGKILL


def test_erasure_killed_at_statements_is_completed(
    any_engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    """One kill after another, each in what the one before has left."""
    world = make_end_user_world(any_engine, tmp_path, clock)
    cancelled_run(world, clock)
    any_engine.dispose()
    changes = sorted(random.Random(40).sample(range(1, 60), 4))
    n_killed = sum(killed_at(world, clock, change) for change in changes)
    assert n_killed >= 3

    report = forget(world.engine, world.settings, ErasureRequest(ANN), clock)

    assert_nothing_left(world, report)
    with transaction(world.engine) as connection:
        assert check_chain(connection).broken_at is None


class SavedWorld:
    """A world whose database and files can be brought back."""

    def __init__(self, engine: Engine, folder: Path, clock: datetime) -> None:
        (folder / "world").mkdir()
        self.world = make_end_user_world(engine, folder / "world", clock)
        self.run, _ = cancelled_run(self.world, clock)
        engine.dispose()
        self._copy_files = (folder / "world", folder / "saved")
        shutil.copytree(*self._copy_files)
        self._url, self._name = engine.url, str(engine.url.database)
        if engine.dialect.name == "sqlite":
            shutil.copyfile(self._name, f"{self._name}.saved")
        else:
            self._administer(f"CREATE DATABASE {self._name}_saved TEMPLATE {self._name}")

    def restore(self) -> None:
        self.world.engine.dispose()
        folder, saved = self._copy_files
        shutil.rmtree(folder)
        shutil.copytree(saved, folder)
        if self._url.get_backend_name() == "sqlite":
            for path in Path(self._name).parent.glob(f"{Path(self._name).name}-*"):
                path.unlink()
            shutil.copyfile(f"{self._name}.saved", self._name)
        else:
            self._administer(
                f"DROP DATABASE {self._name} WITH (FORCE)",
                f"CREATE DATABASE {self._name} TEMPLATE {self._name}_saved",
            )

    def remove(self) -> None:
        if self._url.get_backend_name() != "sqlite":
            self._administer(f"DROP DATABASE {self._name}_saved WITH (FORCE)")

    def state(self) -> str:
        """Return a digest of all rows and files, but for the random keys of proofs."""
        digest = hashlib.sha256()
        with transaction(self.world.engine) as connection:
            for table in metadata.sorted_tables:
                rows = connection.execute(select(table)).all()
                is_random = table.name in {"proof_keys", "erasure_proofs"}
                digest.update(repr(len(rows) if is_random else rows).encode())
        for path in sorted(self._copy_files[0].rglob("*")):
            digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
        self.world.engine.dispose()
        return digest.hexdigest()

    def _administer(self, *statements: str) -> None:
        url = self._url.set(database="postgres")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


@pytest.mark.drill
@pytest.mark.timeout(3 * 3600)
def test_erasure_killed_at_each_statement_is_completed(
    any_engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    """Killed before each change; each state that a kill leaves is completed."""
    saved = SavedWorld(any_engine, tmp_path, clock)
    world, run = saved.world, saved.run
    untouched = saved.state()
    expected = forget(world.engine, world.settings, ErasureRequest(ANN), clock)
    saved.restore()
    n_killed, completed = 0, set[str]()
    while killed_at(world, clock, n_killed + 1):
        n_killed += 1
        state = saved.state()
        if state not in completed:
            completed.add(state)
            report = forget(world.engine, world.settings, ErasureRequest(ANN), clock)
            assert_nothing_left(world, report)
            assert set(expected.manual_steps) <= set(report.manual_steps), n_killed
            with transaction(world.engine) as connection:
                assert check_chain(connection).broken_at is None
                assert taints_of_run(connection, run)
            saved.restore()
        elif state != untouched:
            saved.restore()
    saved.remove()
    print(f"{n_killed} kills left {len(completed)} states")
    assert n_killed > 80
    assert len(completed) > 12


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
