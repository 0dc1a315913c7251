"""Trials in processes, and calls with a limit.

Children import this file to find what they run, so it imports nothing heavy.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from bench.drift.limited_process import Completed, Failed, run_limited
from monitor.bench.workers import Workers

Ready = Callable[[], None]


def square(number: int) -> int:
    return number * number


def thread_limit(_: int) -> str:
    return os.environ["OMP_NUM_THREADS"]


def say_and_wait(word: str) -> None:
    print(word, flush=True)
    threading.Event().wait()


def add(ready: Ready, a: int, b: int) -> int:
    ready()
    return a + b


def never(ready: Ready) -> None:
    ready()
    threading.Event().wait()


def die(ready: Ready) -> None:
    ready()
    os._exit(7)


def refuse(_: Ready) -> None:
    raise ValueError("no such device")


@pytest.mark.slow
def test_results_come_in_the_order_of_their_tasks() -> None:
    with Workers(2) as workers:
        assert [0, 1, 4, 9, 16] == workers.run(square, list(range(5)), label="squares")


def test_a_row_without_time_has_one_trial_for_each_process() -> None:
    with Workers(2) as workers:
        assert [0, 1] == workers.run(square, list(range(5)), label="squares", seconds=0.0)


def test_workers_use_one_thread_and_leave_the_environment_alone(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with Workers(1) as workers:
        assert ["1"] == workers.run(thread_limit, [0], label="threads")
    assert "3" == os.environ["OMP_NUM_THREADS"]


def test_workers_end_with_a_benchmark_that_is_killed() -> None:
    script = (
        "from monitor.bench.workers import Workers\n"
        "from tests.unit.bench.test_processes import say_and_wait\n"
        "with Workers(1) as workers:\n"
        "    workers.run(say_and_wait, ['at work'], label='waits')"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        assert "at work\n" == benchmark.stdout.readline()
        benchmark.kill()
        # The worker holds the other end of the pipe as long as it lives.
        assert ("", None) == benchmark.communicate(timeout=60)


def test_a_call_in_a_child_gives_its_value() -> None:
    assert Completed(5) == run_limited(add, 2, 3, seconds=60)


def test_a_child_that_takes_too_long_is_given_up() -> None:
    assert Failed("did not finish in 0.1 s", timed_out=True) == run_limited(never, seconds=0.1)


def test_exit_status_of_a_dead_child_is_reported() -> None:
    assert Failed("its process ended with exit status 7") == run_limited(die, seconds=60)


def test_a_childs_error_is_reported() -> None:
    assert Failed("failed: ValueError: no such device") == run_limited(refuse, seconds=60)
