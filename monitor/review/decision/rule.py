"""The rule: what follows from counts, without a database. Simulations call exactly this.

See ``docs/explanation/review-statistics.md`` for what the rule was simulated to do.
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

#: With more of the control slice undecided than this, there is no decision.
MAX_MISSING_SHARE = 0.10

#: Training is for the larger part of the errors, or isn't the remedy.
MAJORITY = 0.5

Recommendation = Literal["retrain", "fix_context", "fix_guidelines", "keep", "undecided"]

#: What is missing where there is no decision.
MissingEvidence = Literal["", "control", "error_causes", "gold"]


@dataclass(frozen=True)
class Baseline:
    """The error rate at launch, and where it comes from."""

    errors: float
    n: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that the rule looks at."""

    #: The batch's own control slice.
    batch_control: ControlSlice
    #: That of all batches which count.
    pooled: ControlSlice
    baseline: Baseline
    #: Of the independent first votes.
    agreement: Agreement
    #: What was answered about the wrong responses.
    error_causes: ErrorCauses
    #: Gold items in drifted clusters.
    drifted_gold: int


@dataclass(frozen=True)
class Outcome:
    """What follows, and why."""

    recommendation: Recommendation
    #: In words, in the order in which the rule looked.
    reasons: list[str]
    #: Over all batches that count; ``None`` while nothing is decided.
    rise: Rise | None
    missing: MissingEvidence = ""


def recommend(evidence: Evidence, review: Review) -> Outcome:
    """Apply the rule.

    Args:
        evidence: Counts and figures.
        review: The thresholds.
    """
    batch_control, pooled, baseline = evidence.batch_control, evidence.pooled, evidence.baseline
    if not pooled.n or batch_control.missing_share > MAX_MISSING_SHARE:
        reason = (
            f"{batch_control.n} of {batch_control.n_wanted} control items are decided; no conclusion is drawn while "
            f"more than {MAX_MISSING_SHARE:.0%} are missing."
        )
        return Outcome("undecided", [reason], None, "control")
    rise = estimate_rise(pooled.errors, pooled.n, baseline.errors, baseline.n, review.confidence)
    change = (
        f"The error rate differs from that at launch by {100 * rise.difference:+.1f} points; with "
        f"{review.confidence:.0%} confidence by at least {100 * rise.bound:+.1f}."
    )
    reasons = [change]
    if rise.bound <= 0:
        return Outcome("keep", [*reasons, "That is no sure rise, so the model stays."], rise)
    reasons.append("The rise is sure.")
    alpha = evidence.agreement.alpha
    if alpha is not None and alpha < review.min_agreement:
        reasons.append(
            f"But the reviewers agree too little (alpha {alpha:.2f}, at least "
            f"{review.min_agreement:g} is needed): mend the guide, then review again."
        )
        return Outcome("fix_guidelines", reasons, rise)
    remedy, reason = choose_remedy(evidence.error_causes, review.min_remedy_ratings)
    reasons.append(reason)
    if remedy == "undecided":
        return Outcome("undecided", reasons, rise, "error_causes")
    if remedy == "retrain" and evidence.drifted_gold < review.min_drifted_gold:
        reasons.append(
            f"But only {evidence.drifted_gold} gold items lie on drifted topics; training needs "
            f"{review.min_drifted_gold}. Review the rest of the queue, or raise the budget."
        )
        return Outcome("undecided", reasons, rise, "gold")
    if remedy == "retrain":
        reasons.append(
            f"The reviewers agree, and {evidence.drifted_gold} gold items on drifted topics are "
            "there to learn from."
        )
    return Outcome(remedy, reasons, rise)


def choose_remedy(
    error_causes: ErrorCauses, minimum: int
) -> tuple[Literal["retrain", "fix_context", "undecided"], str]:
    """Tell training from retrieval and prompt, by the share of errors that take judgement.

    Where its 95% interval lies on one side of one half, that side decides; where it doesn't, the
    larger part does, as soon as the answers are worth ``minimum`` simple random ones.

    Returns:
        The remedy, and the reason in words.
    """
    judgement = error_causes.shares.get(NEEDS_JUDGEMENT)
    if judgement is None:
        return "undecided", (
            "But no wrong response has an answer to whether an expert could have got it right: "
            "review some, so that training can be told from retrieval."
        )
    seen = (
        f"{judgement.rate:.0%} of the errors take trained judgement "
        f"({judgement.lower:.0%} to {judgement.upper:.0%}, {error_causes.n_answered} answers)"
    )
    clear = judgement.lower > MAJORITY or judgement.upper < MAJORITY
    if not clear and error_causes.effective_n < minimum:
        return "undecided", (
            f"But {seen}: training can't be told from retrieval yet. The answers are worth "
            f"{error_causes.effective_n:.0f} random ones; from {minimum} the larger part decides. "
            "Review the rest of the queue, or raise the budget."
        )
    if judgement.rate > MAJORITY:
        unsure = "" if clear else ", the larger part though not surely"
        return "retrain", f"{seen}{unsure}: those are for training."
    unsure = "" if clear else ", the smaller part though not surely"
    return "fix_context", f"Only {seen}{unsure}. {_knowledge(error_causes)}"


def _knowledge(error_causes: ErrorCauses) -> str:
    facts, had = (
        error_causes.shares[one].rate if one in error_causes.shares else 0.0
        for one in (FACTS_MISSING, CONTEXT_SUFFICED)
    )
    first = (
        "update retrieval first, so that the facts are there"
        if facts >= had
        else "mend the prompt first, so that what is there is used"
    )
    return (
        f"In {facts:.0%} facts were missing, and in {had:.0%} the model had what it needed: "
        f"{first}. Training would not help with those."
    )
