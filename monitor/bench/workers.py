"""Worker processes for independent trials, with a time budget and a progress bar."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Task = TypeVar("Task")
Result = TypeVar("Result")

#: Receives each finished trial: the function, the task, the result.
ResultCallback = Callable[[Callable[..., Any], Any, Any], None]


class TrialRunner(Protocol):
    """A runner of independent trials; see :meth:`Workers.run`."""

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        label: str,
        seconds: float = ...,
        on_result: ResultCallback | None = ...,
    ) -> list[Result]:
        """Return the results of the first tasks, in order."""


THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Workers:
    """A pool of processes of one thread each."""

    def __init__(self, n_processes: int | None = None) -> None:
        self.n_processes = n_processes or os.cpu_count() or 1
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(one_thread_each())
        # Spawned, because the fork of a process with threads may hang.
        self._executor = self._stack.enter_context(
            ProcessPoolExecutor(
                self.n_processes, mp_context=get_context("spawn"), initializer=_end_with_parent
            )
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._stack.close()

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        label: str,
        seconds: float = float("inf"),
        on_result: ResultCallback | None = None,
    ) -> list[Result]:
        """Return the results of the first tasks, in order.

        The function is importable by its name. After ``seconds`` no task starts, except the first
        of each process. ``on_result`` is called with the function, a task and its result, as each
        task ends.
        """
        waiting = deque(enumerate(tasks))
        running: dict[Future[Result], int] = {}
        done: dict[int, Result] = {}
        start = perf_counter()
        with progress_bars() as bars:
            bar = bars.add_task(label, total=len(tasks))
            while waiting or running:
                while waiting and len(running) < self.n_processes:
                    if waiting[0][0] >= self.n_processes and perf_counter() - start > seconds:
                        waiting.clear()
                        break
                    number, task = waiting.popleft()
                    running[self._executor.submit(function, task)] = number
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    number = running.pop(future)
                    done[number] = future.result()
                    if on_result is not None:
                        on_result(function, tasks[number], done[number])
                    bars.advance(bar)
        return [done[i] for i in range(len(done))]


def _end_with_parent() -> None:
    """End this worker when the benchmark is killed, instead of waiting for trials forever."""
    Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Limit processes that start in this context to one thread of linear algebra each."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def progress_bars() -> Progress:
    """Return progress bars on standard error, hidden where that isn't a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
