"""Why responses were wrong: what the reviewers answered about each, weighted to the traffic.

The question beside a wrong response is whether an expert, given only what the model was given,
could have produced the right answer. If so, the prompt or retrieval comes first; if facts were
missing, retrieval; if it takes trained judgement, fine-tuning.
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
    """What the wrong responses' answers add up to."""

    n_wrong: int
    #: Wrong responses with one answer: where the reviewers gave two there is none.
    n_answered: int
    #: Simple random draws that the answered ones are worth.
    effective_n: float
    #: For each answer its share of the answered errors of the traffic; empty without answers.
    shares: dict[str, WeightedRate]


def weigh_error_causes(rows: Sequence[DrawRow], weight_of: Mapping[int, float]) -> ErrorCauses:
    """Weigh the answers about wrong responses by inclusion probability.

    Args:
        rows: Draws of some batches.
        weight_of: What each batch counts for.
    """
    wrong = [row for row in rows if row.is_wrong and weight_of.get(row.batch_id, 0.0) > 0]
    answered = [row for row in wrong if row.answerable]
    shares = {
        answer: _share(answered, [row.answerable == answer for row in answered], weight_of)
        for answer in CAUSES
    }
    known = {answer: share for answer, share in shares.items() if share is not None}
    judgement = known.get(NEEDS_JUDGEMENT)
    return ErrorCauses(
        n_wrong=len(wrong),
        n_answered=len(answered),
        effective_n=judgement.effective_n if judgement else 0.0,
        shares=known,
    )


def weigh_error_kinds(
    rows: Sequence[DrawRow], weight_of: Mapping[int, float]
) -> dict[str, WeightedRate]:
    """Return each kind of error's share of the errors of the traffic, the commonest first."""
    wrong = [row for row in rows if row.is_wrong and weight_of.get(row.batch_id, 0.0) > 0]
    shares = {
        kind: _share(wrong, [row.error_kind == kind for row in wrong], weight_of)
        for kind in sorted({row.error_kind for row in wrong})
    }
    known = [(kind, share) for kind, share in shares.items() if share is not None]
    return dict(sorted(known, key=lambda pair: -pair[1].rate))


def _share(
    rows: Sequence[DrawRow], has: Sequence[bool], weight_of: Mapping[int, float]
) -> WeightedRate | None:
    return weighted_share(
        [
            WeightedReview(
                own, traffic_weight(row, weight_of[row.batch_id]), row.selection_probability
            )
            for row, own in zip(rows, has, strict=True)
        ]
    )
