"""The child process of evaluations: limits, deaths, signals, memory. Real processes are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from monitor.errors import ChildProcessFailedError, DatabaseUnavailableError
from monitor.scheduling import runner as module
from monitor.scheduling.runner import ProcessRunner
from monitor.settings import Embedding
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import acting_under, take_lease
from monitor.store.tables import AuditEntry
from tests.support.windows import child_tasks

LIMIT = timedelta(seconds=60)
SHORT = timedelta(seconds=1)


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def runner(engine: Engine, stop: threading.Event) -> Iterator[ProcessRunner]:
    made = ProcessRunner(engine, Embedding(), stop)
    yield made
    made.rest()


@pytest.fixture(scope="module")
def lasting_runner(sqlite_template: Path) -> Iterator[ProcessRunner]:
    """Return a runner that is never stopped; the child of one test may serve the next."""
    made = ProcessRunner(
        make_engine(f"sqlite:///{sqlite_template}"), Embedding(), threading.Event()
    )
    yield made
    made.rest()


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(path: Path) -> int:
    """Return the process that a task has written to a file."""
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(path.read_text())


def in_thread(runner: ProcessRunner, *call: object) -> tuple[threading.Thread, list[str]]:
    """Run a task in a thread; return it with the list that gets the code of the failure."""
    codes: list[str] = []

    def run() -> None:
        try:
            runner.run(*call, limit=LIMIT)
        except ChildProcessFailedError as error:
            codes.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, codes


def code_of(runner: ProcessRunner, *call: object, limit: timedelta = LIMIT) -> str:
    with pytest.raises(ChildProcessFailedError) as raised:
        runner.run(*call, limit=limit)
    return raised.value.code


def test_hanging_task_is_killed_at_its_limit(lasting_runner: ProcessRunner, tmp_path: Path) -> None:
    first, _ = lasting_runner.run(child_tasks.identify, limit=LIMIT)
    began = time.monotonic()
    assert code_of(lasting_runner, child_tasks.hang, tmp_path / "pid", limit=SHORT) == "time_limit"
    assert 1.0 <= time.monotonic() - began < 10.0
    assert not is_alive(first)
    assert lasting_runner.run(child_tasks.identify, limit=LIMIT)[0] != first


def test_killed_task_names_the_signal(lasting_runner: ProcessRunner, tmp_path: Path) -> None:
    thread, codes = in_thread(lasting_runner, child_tasks.hang, tmp_path / "pid")
    os.kill(wait_for(tmp_path / "pid"), signal.SIGKILL)
    thread.join(30)
    assert codes == ["killed"]
    with pytest.raises(ChildProcessFailedError, match="status 3") as raised:
        lasting_runner.run(child_tasks.end, 3, limit=LIMIT)
    assert raised.value.code == "killed"


def test_failing_task_leaves_the_child_alive(lasting_runner: ProcessRunner) -> None:
    pid, session = lasting_runner.run(child_tasks.identify, limit=LIMIT)
    assert session != os.getsid(0)
    with pytest.raises(ChildProcessFailedError, match="ValueError: broken") as raised:
        lasting_runner.run(child_tasks.fail, limit=LIMIT)
    assert raised.value.code == "failed"
    with pytest.raises(DatabaseUnavailableError):
        lasting_runner.run(child_tasks.lose_database, limit=LIMIT)
    for ignored in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, ignored)
    assert lasting_runner.run(child_tasks.identify, limit=LIMIT)[0] == pid
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert lasting_runner.run(child_tasks.identify, limit=LIMIT)[0] != pid


def test_child_has_its_own_connections(postgres_engine: Engine, stop: threading.Event) -> None:
    runner = ProcessRunner(postgres_engine, Embedding(), stop)
    assert runner.run(child_tasks.query, limit=LIMIT) == ("postgresql", 7)
    runner.rest()
    with postgres_engine.begin():
        pass


def test_stopping_daemon_bounds_the_running_task(
    runner: ProcessRunner,
    stop: threading.Event,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 1.0)
    thread, codes = in_thread(runner, child_tasks.hang, tmp_path / "pid")
    pid = wait_for(tmp_path / "pid")
    stop.set()
    thread.join(30)
    assert codes == ["stopped"]
    assert not is_alive(pid)


def test_stopping_daemon_lets_a_short_task_end(
    runner: ProcessRunner, stop: threading.Event
) -> None:
    runner.run(child_tasks.identify, limit=LIMIT)
    threading.Timer(0.3, stop.set).start()
    assert runner.run(child_tasks.doze, 1.0, limit=LIMIT) > 0
    assert code_of(runner, child_tasks.identify) == "stopped"


def test_stopping_daemon_waits_for_no_starting_child(
    runner: ProcessRunner, stop: threading.Event, tmp_path: Path
) -> None:
    thread, codes = in_thread(runner, child_tasks.hang, tmp_path / "pid")
    time.sleep(0.1)
    stop.set()
    thread.join(10)
    assert (codes, (tmp_path / "pid").exists()) == (["stopped"], False)


def test_lost_leadership_kills_the_running_task(
    engine: Engine, stop: threading.Event, tmp_path: Path
) -> None:
    leads = threading.Event()
    leads.set()
    runner = ProcessRunner(engine, Embedding(), stop, leads=leads.is_set)
    thread, codes = in_thread(runner, child_tasks.hang, tmp_path / "pid")
    pid = wait_for(tmp_path / "pid")
    leads.clear()
    thread.join(10)
    assert (codes, is_alive(pid)) == (["stopped"], False)


def test_child_of_an_ended_epoch_stores_nothing(any_engine: Engine, stop: threading.Event) -> None:
    runner = ProcessRunner(any_engine, Embedding(), stop)
    with transaction(any_engine) as connection:
        epoch = take_lease(connection, "first", timedelta())
    with acting_under(epoch):
        runner.run(child_tasks.write_entry, "in time", limit=LIMIT)
    with transaction(any_engine) as connection:
        take_lease(connection, "second", LIMIT)
    with acting_under(epoch), pytest.raises(DatabaseUnavailableError):
        runner.run(child_tasks.write_entry, "too late", limit=LIMIT)
    runner.rest()
    with transaction(any_engine) as connection:
        actors = connection.execute(select(AuditEntry.actor)).scalars().all()
    assert actors == ["in time"]


def peak_of(pid: int) -> int:
    """Return the largest resident memory of a process in kB."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0])


def test_memory_left_behind_is_bounded(runner: ProcessRunner) -> None:
    """A task that leaves little behind keeps its process; one that leaves much loses it."""
    first = runner.run(child_tasks.allocate, 100, 0, limit=LIMIT)
    alone = peak_of(first)
    peaks = [alone]
    for _ in range(3):
        pid = runner.run(child_tasks.allocate, 100, 8, limit=LIMIT)
        peaks.append(peak_of(pid) if is_alive(pid) else 0)
    assert max(peaks) <= 1.3 * alone
    leaking = runner.run(child_tasks.allocate, 100, 100, limit=LIMIT)
    assert not is_alive(leaking)
    assert peak_of(runner.run(child_tasks.allocate, 100, 0, limit=LIMIT)) <= 1.1 * alone


def test_child_dies_with_a_killed_daemon(engine: Engine, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import sys, threading\n"
        "from datetime import timedelta\n"
        "from pathlib import Path\n"
        "from monitor.scheduling.runner import ProcessRunner\n"
        "from monitor.settings import Embedding\n"
        "from monitor.store.engine import make_engine\n"
        "from tests.support.windows import child_tasks\n"
        "runner = ProcessRunner(make_engine(sys.argv[1]), Embedding(), threading.Event())\n"
        "runner.run(child_tasks.hang, Path(sys.argv[2]), limit=timedelta(minutes=5))\n"
    )
    daemon = subprocess.Popen([sys.executable, "-c", script, str(engine.url), str(note)])
    child = wait_for(note)
    assert is_alive(child)
    daemon.kill()
    daemon.wait()
    deadline = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)
