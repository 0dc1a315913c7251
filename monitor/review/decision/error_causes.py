"""Causes of wrong responses, as the reviewers rated them, weighted to the traffic.

Reviewers rate whether an expert, given only what the model was given, could have produced the right
response. If so, the prompt or retrieval is the remedy; if facts were missing, retrieval; if it
requires trained judgement, fine-tuning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.review.decision.error_rate import traffic_weight
from monitor.review.decision.weighted_rate import WeightedRate, WeightedReview, weighted_share
from monitor.store.review.draws import DrawRow

CONTEXT_SUFFICED = "yes"
FACTS_MISSING = "facts_missing"
NEEDS_JUDGEMENT = "needs_judgement"
CAUSES = (NEEDS_JUDGEMENT, FACTS_MISSING, CONTEXT_SUFFICED)


@dataclass(frozen=True)
class ErrorCauses:
    """Causes of the wrong responses of some batches."""

    n_wrong: int
    #: Wrong responses with a cause; there is none if the reviewers differ.
    n_rated: int
    #: Number of simple random draws with the same precision as the rated responses.
    effective_n: float
    #: Share of each cause in the rated errors of the traffic; empty without ratings.
    shares: dict[str, WeightedRate]


def weigh_error_causes(rows: Sequence[DrawRow], weight_of: Mapping[int, float]) -> ErrorCauses:
    """Estimate the share of each cause, weighted by inclusion probability."""
    wrong = [row for row in rows if row.is_wrong and weight_of.get(row.batch_id, 0.0) > 0]
    rated = [row for row in wrong if row.answerable]
    shares = {
        cause: _share(rated, [row.answerable == cause for row in rated], weight_of)
        for cause in CAUSES
    }
    known = {cause: share for cause, share in shares.items() if share is not None}
    judgement = known.get(NEEDS_JUDGEMENT)
    return ErrorCauses(
        n_wrong=len(wrong),
        n_rated=len(rated),
        effective_n=judgement.effective_n if judgement else 0.0,
        shares=known,
    )


def weigh_error_kinds(
    rows: Sequence[DrawRow], weight_of: Mapping[int, float]
) -> dict[str, WeightedRate]:
    """Estimate the share of each kind of error in the errors of the traffic, largest first."""
    wrong = [row for row in rows if row.is_wrong and weight_of.get(row.batch_id, 0.0) > 0]
    shares = {
        kind: _share(wrong, [row.error_kind == kind for row in wrong], weight_of)
        for kind in sorted({row.error_kind for row in wrong})
    }
    known = [(kind, share) for kind, share in shares.items() if share is not None]
    return dict(sorted(known, key=lambda pair: -pair[1].rate))


def _share(
    rows: Sequence[DrawRow], matches: Sequence[bool], weight_of: Mapping[int, float]
) -> WeightedRate | None:
    return weighted_share(
        [
            WeightedReview(
                matched, traffic_weight(row, weight_of[row.batch_id]), row.selection_probability
            )
            for row, matched in zip(rows, matches, strict=True)
        ]
    )
