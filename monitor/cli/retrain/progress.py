"""Progress of a child process: a bar in a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

#: Seconds between two lines of progress, such as in a log file.
LINE_SECONDS = 5.0


class ShowProgress(Protocol):
    """Shows what a child does, and how far it is."""

    def __call__(self, description: str, step: int | None = None, steps: int | None = None) -> None:
        """Show a description, with the step of so many steps where it is known."""
        ...


@contextmanager
def shown_progress(
    description: str,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ShowProgress]:
    """Yield a function that shows progress on a stream, standard output by default."""
    stream = stream or sys.stdout
    if not stream.isatty():
        lines = _Lines(stream, clock)
        lines(description)
        yield lines
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=stream)) as progress:
        task = progress.add_task(description, total=None)

        def show(description: str, step: int | None = None, steps: int | None = None) -> None:
            progress.update(task, description=description, completed=step, total=steps)

        yield show


class _Lines:
    """Writes a line where the progress has changed, at once; steps every few seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._last: tuple[str, int | None] = ("", None)
        self._written_at = -LINE_SECONDS

    def __call__(self, description: str, step: int | None = None, steps: int | None = None) -> None:
        state, now = (description, step), self._clock()
        phase_changed = step is None and description != self._last[0]
        is_due = step is not None and now - self._written_at >= LINE_SECONDS
        if state == self._last or not (phase_changed or is_due or step == steps):
            return
        position = f"step {step} of {steps}: " if step is not None else ""
        self._stream.write(f"{position}{description}\n")
        self._stream.flush()
        self._last, self._written_at = state, now
