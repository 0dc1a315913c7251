"""Earlier candidates of a model, which share the error budget of check 1."""

from collections.abc import Hashable

from sqlalchemy import Connection

from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    evaluations_with_results,
)
from monitor.store.training.candidate_results import CandidateResults
from retrain.evaluation.gates.error_budget import apply_budget, compared_items, is_better, items_of
from retrain.evaluation.request import as_request


def count_earlier_candidates(
    connection: Connection, row: CandidateEvaluationRow, results: CandidateResults
) -> CandidateResults:
    """Return an evaluation's results with check 1 at the level that earlier candidates have left.

    The same version on the same items against the same incumbent counts once, however often it was
    evaluated.
    """
    own = _comparison(row, results)
    tried: dict[Hashable, tuple[int, frozenset[str]]] = {}
    for earlier in evaluations_with_results(connection, row.model):
        if earlier.id == row.id or earlier.results is None or is_better(earlier.results):
            continue
        comparison = _comparison(earlier, earlier.results)
        if comparison != own:
            tried[comparison] = earlier.id, items_of(earlier.results)
    return apply_budget(results, dict(tried.values()))


def _comparison(row: CandidateEvaluationRow, results: CandidateResults) -> Hashable:
    return row.version_id, as_request(row.request).incumbent, compared_items(results)
