"""Cache of generated responses, reused by a later child of the same evaluation.

The cache is a file in the format of the scored responses, without scores. It is deleted when the
scored responses are written. Each row is signed with a key of the evaluation, which children get
from the parent and the folder doesn't have: who can write to the folder can't write responses.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from monitor.plurals import pluralize
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.candidate import response_row
from retrain.evaluation.request import EvaluationRequest
from retrain.evaluation.weights import LoadedWeights
from retrain.models.response import Response
from retrain.run_folder import RunFolder, canonical, read_lines, write_lines

#: Variable of a child's environment that has the key.
KEY_VARIABLE = "DRIFTWARDEN_RESPONSES_KEY"


class ResponseCache:
    """The generated responses of an evaluation, from this child and earlier children.

    Responses of another evaluation, of another request, by weights that were written meanwhile, or
    to changed benchmarks are dropped, and so are those that no child with the key wrote.
    ``folder`` is the run's. Without a key no response is reused.
    """

    def __init__(
        self,
        folder: RunFolder,
        evaluation_id: int,
        request: EvaluationRequest,
        benchmarks: Sequence[Benchmark],
        weights: LoadedWeights,
        *,
        key: str,
    ) -> None:
        self._path = folder.unscored_responses
        self._key = key.encode()
        requested = {
            "evaluation_id": evaluation_id,
            # Between two attempts another evaluation may end.
            "request": msgspec.to_builtins(
                msgspec.structs.replace(request, known_responses=(), identities={})
            ),
            "weights": weights.states,
            "benchmarks": {benchmark.name: benchmark.digest for benchmark in benchmarks},
        }
        self._digest = hashlib.sha256(canonical(requested).encode()).hexdigest()
        signed, self._n_unsigned = [], 0
        for row in read_lines(self._path):
            if key and hmac.compare_digest(str(row.get("signature")), self._signature(row)):
                signed.append(row)
            else:
                self._n_unsigned += 1
        rows = [row for row in signed if row["evaluation"] == self._digest]
        # Rewrite the file without outdated responses and an incomplete last line.
        write_lines(self._path, rows)
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        for row in rows:
            response = Response(row["response"], row.get("log_probability"))
            self._known.setdefault((row["by"], row["benchmark"]), {})[row["id"]] = response

    def known(self, system: str, benchmark: str) -> Mapping[str, str]:
        """Return a system's cached responses to a benchmark: id -> response."""
        return self._known.get((system, benchmark), {})

    def add(
        self, system: str, benchmark: str, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> None:
        """Store responses and sync them to disk."""
        rows = [
            {**response_row(system, benchmark, item, response), "evaluation": self._digest}
            for item, response in zip(items, responses, strict=True)
        ]
        rows = [{**row, "signature": self._signature(row)} for row in rows]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(canonical(row) + "\n" for row in rows))
            file.flush()
            os.fsync(file.fileno())

    def remarks(self) -> list[str]:
        """Return a remark on responses that no child of this evaluation wrote."""
        if not self._n_unsigned:
            return []
        n = pluralize(self._n_unsigned, "response")
        text = f"WARNING: {n} in {self._path.name} not written by this evaluation: generated again"
        return [f"{text}; see who can write to the run's folder"]

    def _signature(self, row: Mapping[str, Any]) -> str:
        content = {name: value for name, value in row.items() if name != "signature"}
        return hmac.new(self._key, canonical(content).encode(), hashlib.sha256).hexdigest()

    def drop(self) -> None:
        """Delete the cache."""
        self._path.unlink(missing_ok=True)
