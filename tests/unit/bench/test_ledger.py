"""Ledger of trials: resuming, and separation by code and data."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.drift import ledger
from bench.drift.code_digest import (
    code_digest,
    deciding_files,
    module_digest,
    syntax_without_docstrings,
)
from bench.drift.ledger import Ledger, LedgerRunner, data_digest
from monitor.bench.trial import Outcome, Trial
from monitor.bench.windows import WindowSpec
from monitor.errors import InputError


@dataclass(frozen=True)
class Task:
    folder: Path
    spec: WindowSpec
    seed: int


def run_task(task: Task) -> Outcome:
    """Return an outcome that contains the seed."""
    return Outcome(task.seed / 100, False, 0.0, 0.0, 1.0, 0.0, 0.0, 0, 0, 0, 0.0, 0.1)


class Serial:
    """A runner in this process that has time for a few trials and records their seeds."""

    def __init__(self, trials: int = 100) -> None:
        self._trials = trials
        self.ran: list[int] = []

    def run(
        self,
        function: Callable[[Any], Any],
        tasks: Sequence[Any],
        *,
        label: str,
        seconds: float = 0.0,
        on_result: Callable[[Any, Any, Any], None] | None = None,
    ) -> list[Any]:
        results = []
        for task in tasks[: self._trials]:
            self.ran.append(task.seed)
            results.append(function(task))
            if on_result is not None:
                on_result(function, task, results[-1])
        return results


def tasks(folder: Path, n: int) -> list[Task]:
    return [Task(folder, WindowSpec("none", 500, 500), seed) for seed in range(n)]


def run(path: Path, workers: Serial, n: int, data: str = "d") -> tuple[list[Outcome], Ledger]:
    ledger_ = Ledger(path)
    # The folder of a run is temporary: trials must not depend on it.
    folder = path.parent / str(id(workers))
    return LedgerRunner(workers, ledger_, data).run(run_task, tasks(folder, n), label="x"), ledger_


def test_run_resumes_from_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "trials"
    outcomes, _ = run(path, Serial(3), 5)
    assert [outcome.p_value for outcome in outcomes] == [0.0, 0.01, 0.02]
    second = Serial()
    outcomes, stored = run(path, second, 5)
    assert second.ran == [3, 4]
    assert [run_task(task) for task in tasks(tmp_path, 5)] == outcomes
    assert stored.n_ignored == 0
    file = path / "test_ledger.run_task-none-500-500-0.0-1.jsonl"
    assert [file] == list(path.iterdir())
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line[3] for line in lines] == [0, 1, 2, 3, 4]
    assert lines[0][2] == 'test_ledger.run_task [["none",500,500,0.0,1]]'


def test_trials_of_other_code_or_data_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials"
    run(path, Serial(), 3)
    other_data = Serial()
    _, stored = run(path, other_data, 2, data="e")
    assert (other_data.ran, stored.n_ignored) == ([0, 1], 0)
    monkeypatch.setattr(ledger, "code_digest", lambda module: "changed")
    other_code = Serial()
    _, stored = run(path, other_code, 4)
    assert (other_code.ran, stored.n_ignored) == ([0, 1, 2, 3], 3)
    again = Serial()
    run(path, again, 4)
    assert again.ran == []


def test_seeds_are_reported_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "trials"
    LedgerRunner(Serial(), Ledger(path), "d").run(run_task, tasks(tmp_path, 5)[3:], label="x")
    outcomes, _ = run(path, Serial(1), 5)
    assert [outcome.p_value for outcome in outcomes] == [0.0]
    outcomes, _ = run(path, Serial(), 5)
    assert len(outcomes) == 5


def test_incomplete_line_is_dropped_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trials"
    run(path, Serial(), 2)
    (file,) = path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole + b'["0.1.0+abc","d"')
    again = Serial()
    run(path, again, 3)
    assert again.ran == [2]
    assert file.read_bytes().startswith(whole)
    for content in ("notes", "notes\n", "{}\n"):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match="not a file of trials"):
            Ledger(path)
        assert content == file.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="a ledger is a folder"):
        Ledger(file)


def test_ledger_may_be_split_into_any_files(tmp_path: Path) -> None:
    path = tmp_path / "trials"
    run(path, Serial(), 4)
    (file,) = path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:1]))
    (path / "another.jsonl").write_bytes(b"".join(lines[1:]))
    again = Serial()
    run(path, again, 4)
    assert again.ran == []


@pytest.mark.slow
def test_docstrings_and_comments_do_not_change_the_digest(tmp_path: Path) -> None:
    documented, same, different = (
        syntax_without_docstrings(source)
        for source in (
            'def f():\n    """Say."""\n    return 1\n',
            "# why\ndef f():\n    return 1  # one\n",
            "def f():\n    return 2\n",
        )
    )
    assert documented == same != different
    assert code_digest(Trial.__module__) == code_digest(Trial.__module__)
    points = np.eye(3)
    assert data_digest(points) != data_digest(2 * points)
    assert module_digest("monitor.bench.trial") != module_digest("bench.drift.ledger")


@pytest.mark.slow
def test_digest_covers_imported_statistics_only() -> None:
    trial, output, weeks, methods, years = (
        {file.name for file in deciding_files(module)}
        for module in (
            "monitor.bench.trial",
            "bench.drift.sections.output",
            "bench.drift.sections.slow_drift",
            "bench.drift.sections.side_by_side",
            "bench.drift.sections.years",
        )
    )
    assert {"traffic.py", "window_comparison.py", "alarm_levels.py", "catalogue.py"} <= years
    assert {"trial.py", "windows.py", "compare.py", "component_tests.py", "scan.py"} <= trial
    assert "multiplicity.py" in trial
    assert not {"compare_given.py", "watch.py", "side.py", "plan.py"} & trial
    assert {"output.py", "windows.py", "compare_given.py", "response_features.py"} <= output
    assert {"weekly.py", "betting.py", "compare.py"} <= weeks
    assert {"permutation_mmd.py", "compare.py"} <= methods
