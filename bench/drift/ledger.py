"""Ledger of finished trials on disk, from which a run resumes.

A ledger is a folder with a file for each kind of trial, so that no file grows large. A line is a
JSON list: the digests of code and data, the trial, the seed and the outcome. Only trials of the
same code on the same data are used; the others remain in the files and are counted.
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
        """Read the folder, or create it.

        Raises:
            InputError: It can't be read or created, or has other files.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise InputError(f"a ledger is a folder, not a file: {folder}") from None
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}") from None
        lines = [line for path in sorted(folder.glob("*.jsonl")) for line in _read(path)]
        self._known = {(line.code, line.data, line.spec, line.seed): line.outcome for line in lines}
        self._of_any_code = {(line.data, line.spec, line.seed) for line in lines}
        #: Requested trials that are in the ledger, but of other code.
        self.n_ignored = 0

    def find(self, line: Line) -> Any:
        """Return the outcome of a trial; ``None`` where the ledger has none."""
        outcome = self._known.get((line.code, line.data, line.spec, line.seed))
        if outcome is None:
            self.n_ignored += (line.data, line.spec, line.seed) in self._of_any_code
        return outcome

    def add(self, line: Line) -> None:
        """Append a trial."""
        self._known[line.code, line.data, line.spec, line.seed] = line.outcome
        path = self._folder / f"{_file_name(line.spec)}.jsonl"
        with path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")


def _read(path: Path) -> list[Line]:
    """Return the trials of a file, and remove the incomplete line of a killed run."""
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
    """Return the name of a trial in characters that every file system accepts."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", spec).strip("-")


class LedgerRunner:
    """A runner that takes finished trials from a ledger and runs the missing ones."""

    def __init__(self, workers: TrialRunner, ledger: Ledger, data: str) -> None:
        """Take the runner of missing trials, the ledger, and the digest of the data."""
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

        def store(_: Any, task: Task, result: Result) -> None:
            self._ledger.add(line(task, result))
            if on_result is not None:
                on_result(function, task, result)

        known = [self._ledger.find(line(task)) for task in tasks]
        missing = [number for number, outcome in enumerate(known) if outcome is None]
        results: list[Result | None] = [
            None if outcome is None else msgspec.convert(outcome, kind) for outcome in known
        ]
        if missing:
            missing_tasks = [tasks[number] for number in missing]
            new = self._workers.run(
                function, missing_tasks, label=label, seconds=seconds, on_result=store
            )
            for number, result in zip(missing, new, strict=False):
                results[number] = result
        # Seeds are reported as a range, so there must be no gap.
        n_done = results.index(None) if None in results else len(results)
        return [result for result in results[:n_done] if result is not None]


def describe_trial(function: Callable[..., Any], task: Any) -> str:
    """Return the description of a trial: its function, and its fields except the seed and paths."""
    values = [
        value
        for field, value in zip(fields(task), astuple(task), strict=True)
        if field.name != "seed" and not isinstance(value, Path)
    ]
    words = msgspec.json.encode(values).decode()
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__} {words}"


def data_digest(*parts: str | NDArray[Any]) -> str:
    """Return the digest of the data of trials: arrays, or the digests of texts."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
        else:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:DIGITS]
