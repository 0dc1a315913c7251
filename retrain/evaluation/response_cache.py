"""Cache of generated responses, reused by a later child of the same evaluation.

They are a file of rows as the evaluation's scored responses are, without scores, until those are
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
    """Responses of an evaluation that this child, or an earlier one, generated.

    Args:
        folder: The run's folder.
        evaluation_id: Responses of another evaluation are dropped.
        request: Responses to another request are dropped too.
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
        requested = {
            "evaluation_id": evaluation_id,
            "request": msgspec.to_builtins(request),
            "benchmarks": {benchmark.name: benchmark.digest for benchmark in benchmarks},
        }
        self._digest = hashlib.sha256(canonical(requested).encode()).hexdigest()
        rows = [row for row in read_lines(self._path) if row.get("evaluation") == self._digest]
        # Written anew: the last line may be half of one, and what was asked otherwise must go.
        write_lines(self._path, rows)
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        for row in rows:
            self._known.setdefault((row["by"], row["benchmark"]), {})[row["id"]] = row["response"]

    def known(self, system: str, benchmark: str) -> Mapping[str, str]:
        """Return a system's responses to a benchmark that are cached: id -> response."""
        return self._known.get((system, benchmark), {})

    def add(
        self, system: str, benchmark: str, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> None:
        """Keep responses; they are on the disk when this returns."""
        rows = [
            {**response_row(system, benchmark, item, response), "evaluation": self._digest}
            for item, response in zip(items, responses, strict=True)
        ]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(canonical(row) + "\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())

    def drop(self) -> None:
        """Remove the file: the scored responses stand in another one."""
        self._path.unlink(missing_ok=True)
