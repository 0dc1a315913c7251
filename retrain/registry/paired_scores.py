"""Scores of two versions: of one evaluation of both where there is one, else of each by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.store.training import registry as store
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    evaluations_of_version,
)
from monitor.store.training.candidate_results import CANDIDATE, INCUMBENT
from monitor.store.training.registry import ScoreRow, VersionRow

Key = tuple[str, str, str]


@dataclass(frozen=True)
class PairedScore:
    """A metric on a stratum of a benchmark, with the scores of two versions."""

    benchmark: str
    stratum: str
    metric: str
    first: ScoreRow | None
    second: ScoreRow | None
    #: The candidate evaluation that measured both on the same items; ``None``: none did.
    evaluation: int | None = None

    @property
    def change(self) -> float | None:
        """Return second minus first; ``None`` where no evaluation measured both."""
        if self.first is None or self.second is None or self.evaluation is None:
            return None
        return self.second.value - self.first.value


def pair_scores_of(
    connection: Connection, first: VersionRow, second: VersionRow
) -> list[PairedScore]:
    """Return the scores of two versions side by side, by benchmark, stratum and metric.

    Only scores of one evaluation are of the same items, and may be compared.

    The registry has the scores of a version as a candidate. As the incumbent it was measured by the
    evaluation of the other one, on the same items.
    """
    own, theirs = (_by_key(store.scores_of(connection, row.id)) for row in (first, second))
    pairs = {key: PairedScore(*key, own.get(key), theirs.get(key)) for key in {*own, *theirs}}
    evaluations = [
        row
        for version in (first, second)
        for row in evaluations_of_version(connection, version.id)
        if row.status == "succeeded"
    ]
    for row in sorted(evaluations, key=lambda row: row.id):  # of several, the newest stays
        for candidate, incumbent in ((first, second), (second, first)):
            if not _compares(row, candidate, incumbent):
                continue
            as_candidate, as_incumbent = _scores(row, CANDIDATE), _scores(row, INCUMBENT)
            for key in as_candidate.keys() & as_incumbent.keys():
                sides = as_incumbent[key], as_candidate[key]
                if candidate is first:
                    sides = sides[::-1]
                pairs[key] = PairedScore(*key, *sides, evaluation=row.id)
    return [pairs[key] for key in sorted(pairs)]


def _compares(row: CandidateEvaluationRow, candidate: VersionRow, incumbent: VersionRow) -> bool:
    source = row.request.get("incumbent") or {}
    # A fully fine-tuned version is a base model without an adapter.
    place = source.get("adapter") or source.get("base")
    return row.version_id == candidate.id and place == incumbent.adapter_path


def _scores(row: CandidateEvaluationRow, system: str) -> dict[Key, ScoreRow]:
    results = row.results.scores if row.results is not None else ()
    return _by_key(
        [
            ScoreRow(scores.benchmark, s.stratum, s.metric, s.value, s.lower, s.upper, s.n)
            for scores in results
            if scores.system == system
            for s in scores.scores
        ]
    )


def _by_key(scores: Sequence[ScoreRow]) -> dict[Key, ScoreRow]:
    return {(row.benchmark, row.stratum, row.metric): row for row in scores}
