"""Decision rule: from counts to a recommendation, without a database; simulations call it too.

See ``docs/explanation/review-statistics.md`` for its simulated error rates.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.review.decision.error_causes import (
    CONTEXT_SUFFICED,
    FACTS_MISSING,
    NEEDS_JUDGEMENT,
    ErrorCauses,
)
from monitor.review.decision.error_rate import ControlSlice, Rise, estimate_rise
from monitor.settings import Review
from monitor.statistics.agreement import Agreement

#: Largest share of undecided control items with which a decision is made.
MAX_MISSING_SHARE = 0.10

#: Training is recommended for more than this share of the errors.
MAJORITY = 0.5

Recommendation = Literal["retrain", "fix_context", "fix_guidelines", "keep", "undecided"]

#: Why there is no decision.
MissingEvidence = Literal["", "control", "error_causes", "gold"]


@dataclass(frozen=True)
class Baseline:
    """The error rate at launch, with its source."""

    errors: float
    n: float
    source: str


@dataclass(frozen=True, kw_only=True)
class ReviewEvidence:
    """The inputs of the rule."""

    #: The batch's own control slice.
    batch_control: ControlSlice
    #: The control slices of all batches that count.
    pooled: ControlSlice
    baseline: Baseline
    #: Agreement of the blind reviews.
    agreement: Agreement
    #: Causes of the wrong responses.
    error_causes: ErrorCauses
    #: Gold items in drifted clusters.
    drifted_gold: int


@dataclass(frozen=True)
class DecisionOutcome:
    """A recommendation with its reasons."""

    recommendation: Recommendation
    #: Sentences, in the order of the rule's questions.
    reasons: list[str]
    #: Over all batches that count; ``None`` without a decided control item.
    rise: Rise | None
    missing: MissingEvidence = ""


def recommend(evidence: ReviewEvidence, review: Review) -> DecisionOutcome:
    """Apply the rule."""
    control, pooled, baseline = evidence.batch_control, evidence.pooled, evidence.baseline
    if not pooled.n or control.missing_share > MAX_MISSING_SHARE:
        reason = (
            f"{control.n} of {control.n_wanted} control items are decided. A decision needs "
            f"{1 - MAX_MISSING_SHARE:.0%}; review the remaining items."
        )
        return DecisionOutcome("undecided", [reason], None, "control")
    rise = estimate_rise(pooled.errors, pooled.n, baseline.errors, baseline.n, review.confidence)
    reasons = [_change(rise, review.confidence)]
    if rise.bound <= 0:
        return DecisionOutcome("keep", reasons, rise)
    alpha = evidence.agreement.alpha
    if alpha is not None and alpha < review.min_agreement:
        reasons.append(
            f"The reviewers agree too little: alpha is {alpha:.2f}, and {review.min_agreement:g} "
            "is required. Clarify the guidelines, then review again."
        )
        return DecisionOutcome("fix_guidelines", reasons, rise)
    remedy, reason = choose_remedy(evidence.error_causes, review.min_remedy_ratings)
    reasons.append(reason)
    if remedy == "undecided":
        return DecisionOutcome("undecided", reasons, rise, "error_causes")
    if remedy == "retrain" and evidence.drifted_gold < review.min_drifted_gold:
        reasons.append(
            f"Training needs {review.min_drifted_gold} gold items on drifted topics; there are "
            f"{evidence.drifted_gold}. Review the remaining items, or raise review.weekly_budget."
        )
        return DecisionOutcome("undecided", reasons, rise, "gold")
    if remedy == "retrain":
        reasons.append(
            f"The reviewers agree, and {evidence.drifted_gold} gold items on drifted topics are "
            "available for training."
        )
    return DecisionOutcome(remedy, reasons, rise)


def choose_remedy(
    causes: ErrorCauses, minimum: int
) -> tuple[Literal["retrain", "fix_context", "undecided"], str]:
    """Choose training, or retrieval and prompt, by the share of errors that require judgement.

    If its 95% interval lies on one side of one half, that side decides. Otherwise the larger part
    decides, once the ratings have an effective number of ``minimum``. Return the remedy, and a
    sentence with the reason.
    """
    judgement = causes.shares.get(NEEDS_JUDGEMENT)
    if judgement is None:
        return "undecided", (
            "The causes of the errors are unknown. Review wrong responses, so that training can "
            "be distinguished from retrieval."
        )
    share = (
        f"{judgement.rate:.0%} of the errors require trained judgement (95% interval "
        f"{judgement.lower:.0%} to {judgement.upper:.0%}, {causes.n_rated} ratings)"
    )
    is_clear = judgement.lower > MAJORITY or judgement.upper < MAJORITY
    if not is_clear and causes.effective_n < minimum:
        return "undecided", (
            f"{share}. This doesn't distinguish training from retrieval: the ratings have an "
            f"effective number of {causes.effective_n:.0f}, and from {minimum} on the larger part "
            "decides. Review the remaining items, or raise review.weekly_budget."
        )
    unsure = "" if is_clear else " The interval includes 50%; the larger part decides."
    if judgement.rate > MAJORITY:
        return "retrain", f"{share}: training can fix most of the errors.{unsure}"
    return "fix_context", f"Only {share}.{unsure} {_context_advice(causes)}"


def _change(rise: Rise, confidence: float) -> str:
    points = 100 * rise.difference
    if rise.bound > 0:
        return (
            f"The error rate rose by {points:.1f} points since launch (at least "
            f"{100 * rise.bound:.1f}, {confidence:.0%} confidence)."
        )
    return (
        f"The error rate changed by {points:+.1f} points since launch. This is no significant "
        f"rise (lower bound {100 * rise.bound:+.1f}, {confidence:.0%} confidence): keep the model."
    )


def _context_advice(causes: ErrorCauses) -> str:
    missing, sufficed = (
        causes.shares[cause].rate if cause in causes.shares else 0.0
        for cause in (FACTS_MISSING, CONTEXT_SUFFICED)
    )
    action = (
        "Update retrieval first, so that the facts are in the context."
        if missing >= sufficed
        else "Change the prompt first, so that the model uses its context."
    )
    return (
        f"Facts were missing in {missing:.0%} of the errors, and the context sufficed in "
        f"{sufficed:.0%}; training would fix neither. {action}"
    )
