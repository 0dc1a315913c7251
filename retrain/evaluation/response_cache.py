"""Answers are kept as they come: who dies while they are scored needn't have them generated again.

They are a file of rows as the evaluation's scored answers are, without scores, until those are
written.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence

import msgspec

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.candidate import response_row
from retrain.evaluation.request import EvaluationRequest
from retrain.run_folder import RunFolder, canonical, read_lines, write_lines


class ResponseCache:
    """What was answered already in an evaluation, by this child or one before it.

    Args:
        folder: The run's folder.
        evaluation_id: Answers of another evaluation are dropped.
        request: Answers to another request are dropped too.
        benchmarks: And those to benchmarks that have changed since.
    """

    def __init__(
        self,
        folder: RunFolder,
        evaluation_id: int,
        request: EvaluationRequest,
        benchmarks: Sequence[Benchmark],
    ) -> None:
        self._path = folder.unscored_responses
        asked = {
            "evaluation_id": evaluation_id,
            "request": msgspec.to_builtins(request),
            "benchmarks": {one.name: one.digest for one in benchmarks},
        }
        self._digest = hashlib.sha256(canonical(asked).encode()).hexdigest()
        rows = [row for row in read_lines(self._path) if row.get("evaluation") == self._digest]
        # Written anew: the last line may be half of one, and what was asked otherwise must go.
        write_lines(self._path, rows)
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        for row in rows:
            self._known.setdefault((row["by"], row["benchmark"]), {})[row["id"]] = row["response"]

    def known(self, system: str, benchmark: str) -> Mapping[str, str]:
        """Return a system's answers to a benchmark that needn't be asked for: id -> answer."""
        return self._known.get((system, benchmark), {})

    def add(
        self, system: str, benchmark: str, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> None:
        """Keep answers; they are on the disk when this returns."""
        rows = [
            {**response_row(system, benchmark, item, response), "evaluation": self._digest}
            for item, response in zip(items, responses, strict=True)
        ]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(canonical(row) + "\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())

    def drop(self) -> None:
        """Remove the file: the scored answers stand in another one."""
        self._path.unlink(missing_ok=True)
