"""Finished trials on disk: a run goes on where it stopped, and trials add up over days.

A ledger is a folder with a file for each kind of trial, so that no file grows large. A line is a
JSON list: the code that ran, the data, what was tried, the seed, and what came out. Only trials of
the same code on the same data count; others stay where they are and are counted.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.drift.code_digest import DIGITS, code_digest
from monitor.bench.workers import Result, ResultCallback, Task, TrialRunner
from monitor.errors import InputError


class Line(msgspec.Struct, array_like=True, frozen=True):
    """A finished trial."""

    code: str
    data: str
    spec: str
    seed: int
    outcome: Any


class Ledger:
    """The trials in a folder; new ones are appended as they finish."""

    def __init__(self, folder: Path) -> None:
        """Read the folder, or make it.

        Raises:
            InputError: It can't be read or made, or holds something else.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise InputError(f"{folder}: a ledger is a folder, not a file") from None
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}") from None
        lines = [line for path in sorted(folder.glob("*.jsonl")) for line in _read(path)]
        self._known = {(one.code, one.data, one.spec, one.seed): one.outcome for one in lines}
        self._of_any_code = {(one.data, one.spec, one.seed) for one in lines}
        #: Trials that were asked for and are there, but of other code.
        self.n_ignored = 0

    def find(self, line: Line) -> Any:
        """Return the outcome of a trial; ``None`` where it isn't there."""
        found = self._known.get((line.code, line.data, line.spec, line.seed))
        if found is None:
            self.n_ignored += (line.data, line.spec, line.seed) in self._of_any_code
        return found

    def add(self, line: Line) -> None:
        """Append a trial."""
        self._known[line.code, line.data, line.spec, line.seed] = line.outcome
        path = self._folder / f"{_file_name(line.spec)}.jsonl"
        with path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")


def _read(path: Path) -> list[Line]:
    """Return a file's trials, and cut off the half line that a run that was killed has left."""
    try:
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        lines = [msgspec.json.decode(line, type=Line) for line in whole.splitlines()]
        if text and not lines:
            raise InputError(f"{path}: not a file of trials")
        if len(whole) < len(text):
            path.write_bytes(whole)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: not a file of trials: {error}") from None
    return lines


def _file_name(spec: str) -> str:
    """Return what a trial does in letters that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", spec).strip("-")


class LedgerRunner:
    """Runs trials that a ledger doesn't hold yet, and takes the others from it."""

    def __init__(self, workers: TrialRunner, ledger: Ledger, data: str) -> None:
        """Take who runs trials, where they are kept, and the digest of the data they draw from."""
        self._workers = workers
        self._ledger = ledger
        self._data = data

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        label: str,
        seconds: float = float("inf"),
        on_result: ResultCallback | None = None,
    ) -> list[Result]:
        """Return the results of the first tasks, in order; see :meth:`Workers.run`."""
        code = f"{version('driftwarden')}+{code_digest(function.__module__)}"
        kind = get_type_hints(function)["return"]

        def line(task: Any, outcome: Any = None) -> Line:
            return Line(code, self._data, describe_trial(function, task), task.seed, outcome)

        def keep(_: Any, task: Task, result: Result) -> None:
            self._ledger.add(line(task, result))
            if on_result is not None:
                on_result(function, task, result)

        known = [self._ledger.find(line(task)) for task in tasks]
        missing = [number for number, outcome in enumerate(known) if outcome is None]
        results: list[Result | None] = [
            None if outcome is None else msgspec.convert(outcome, kind) for outcome in known
        ]
        if missing:
            some = [tasks[number] for number in missing]
            new = self._workers.run(function, some, label=label, seconds=seconds, on_result=keep)
            for number, result in zip(missing, new, strict=False):
                results[number] = result
        # Seeds are told as a range, so there must be no gap.
        n_done = results.index(None) if None in results else len(results)
        return [result for result in results[:n_done] if result is not None]


def describe_trial(function: Callable[..., Any], task: Any) -> str:
    """Return what a trial does: its function, and its fields but the seed and paths."""
    values = [
        value
        for field, value in zip(fields(task), astuple(task), strict=True)
        if field.name != "seed" and not isinstance(value, Path)
    ]
    words = msgspec.json.encode(values).decode()
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__} {words}"


def data_digest(*parts: str | NDArray[Any]) -> str:
    """Return the digest of the data that trials draw from: arrays, or the digests of texts."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:DIGITS]
