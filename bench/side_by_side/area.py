"""Lines of code, seconds and conclusions of driftwarden and Evidently on three pairs of windows."""

import inspect
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.drift.limited_process import Completed, run_limited
from bench.side_by_side import users
from bench.side_by_side.pairs import read_pairs
from monitor.bench.row import Row

AREA = "side by side"
SEED = 0
LIMIT_SECONDS = 1800.0
TOOLS = ("driftwarden", "evidently_text", "evidently_embeddings")


def run(data: Path | None) -> Iterator[Row]:
    """Ask each tool about each pair, in a process of its own, imports included."""
    if data is None or not (data / "alpaca_eval").is_dir():
        yield Row(AREA, "all pairs", None, "s", "", None, "needs CLINC150 and AlpacaEval: --data")
        return
    for number, pair in enumerate(read_pairs(data, SEED)):
        for tool in TOOLS:
            result = run_limited(
                partial(ask, tool=tool, number=number), data, seconds=LIMIT_SECONDS
            )
            name = f"{pair.name}: {tool}, {count_lines(tool)} lines"
            if isinstance(result, Completed):
                seconds, conclusion = result.value
                yield Row(AREA, name, seconds, "s of CPU", "", None, conclusion)
            else:
                yield Row(AREA, name, None, "s of CPU", "", None, result.reason)


def ask(ready: Callable[[], None], data: Path, *, tool: str, number: int) -> tuple[float, str]:
    """Return the CPU seconds of a tool, its imports included, and what it says of a pair."""
    os.environ["DO_NOT_TRACK"] = "1"
    warnings.simplefilter("ignore")  # deprecations that only Evidently can fix
    pair = list(read_pairs(data, SEED))[number]
    ready()
    begin = time.process_time()
    conclusion = getattr(users, tool)(pair.reference, pair.current)
    return time.process_time() - begin, conclusion


def count_lines(tool: str) -> int:
    """Return the number of lines of a function's body, without blank ones."""
    _, *body = inspect.getsource(getattr(users, tool)).splitlines()
    return sum(bool(line.strip()) for line in body)
