"""The rule: what follows from counts, without a database. Simulations call exactly this.

See ``docs/explanation/review-statistics.md`` for what the rule was simulated to do.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.review.decision.error_causes import FACTS_MISSING, NEEDS_JUDGEMENT, YES, Answers
from monitor.review.decision.error_rate import ControlSlice, Rise, estimate_rise
from monitor.settings import Review
from monitor.statistics.agreement import Agreement

#: With more of the control slice undecided than this, there is no decision.
MISSING_LIMIT = 0.10

#: Training is for the larger part of the errors, or isn't the remedy.
MAJORITY = 0.5

Recommendation = Literal["retrain", "knowledge", "mend_guide", "keep", "undecided"]

#: What is missing where there is no decision.
Missing = Literal["", "control", "answers", "gold"]


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
    own: ControlSlice
    #: That of all batches which count.
    pooled: ControlSlice
    baseline: Baseline
    #: Of the independent first votes.
    agreement: Agreement
    #: What was answered about the wrong responses.
    answers: Answers
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
    missing: Missing = ""


def recommend(evidence: Evidence, review: Review) -> Outcome:
    """Apply the rule.

    Args:
        evidence: Counts and figures.
        review: The thresholds.
    """
    own, pooled, baseline = evidence.own, evidence.pooled, evidence.baseline
    if not pooled.n or own.missing_share > MISSING_LIMIT:
        reason = (
            f"{own.n} of {own.n_wanted} control items are decided; no conclusion is drawn while "
            f"more than {MISSING_LIMIT:.0%} are missing."
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
    if alpha is not None and alpha < review.minimum_agreement:
        reasons.append(
            f"But the reviewers agree too little (alpha {alpha:.2f}, at least "
            f"{review.minimum_agreement:g} is needed): mend the guide, then review again."
        )
        return Outcome("mend_guide", reasons, rise)
    remedy, reason = choose_remedy(evidence.answers, review.minimum_answers)
    reasons.append(reason)
    if remedy == "undecided":
        return Outcome("undecided", reasons, rise, "answers")
    if remedy == "retrain" and evidence.drifted_gold < review.minimum_drifted_gold:
        reasons.append(
            f"But only {evidence.drifted_gold} gold items lie on drifted topics; training needs "
            f"{review.minimum_drifted_gold}. Review the rest of the queue, or raise the budget."
        )
        return Outcome("undecided", reasons, rise, "gold")
    if remedy == "retrain":
        reasons.append(
            f"The reviewers agree, and {evidence.drifted_gold} gold items on drifted topics are "
            "there to learn from."
        )
    return Outcome(remedy, reasons, rise)


def choose_remedy(
    answers: Answers, minimum: int
) -> tuple[Literal["retrain", "knowledge", "undecided"], str]:
    """Tell training from retrieval and prompt, by the share of errors that take judgement.

    Where its 95% interval lies on one side of one half, that side decides; where it doesn't, the
    larger part does, as soon as the answers are worth ``minimum`` simple random ones.

    Returns:
        The remedy, and the reason in words.
    """
    judgement = answers.shares.get(NEEDS_JUDGEMENT)
    if judgement is None:
        return "undecided", (
            "But no wrong response has an answer to whether an expert could have got it right: "
            "review some, so that training can be told from retrieval."
        )
    seen = (
        f"{judgement.rate:.0%} of the errors take trained judgement "
        f"({judgement.lower:.0%} to {judgement.upper:.0%}, {answers.n_answered} answers)"
    )
    clear = judgement.lower > MAJORITY or judgement.upper < MAJORITY
    if not clear and answers.effective_n < minimum:
        return "undecided", (
            f"But {seen}: training can't be told from retrieval yet. The answers are worth "
            f"{answers.effective_n:.0f} random ones; from {minimum} the larger part decides. "
            "Review the rest of the queue, or raise the budget."
        )
    if judgement.rate > MAJORITY:
        unsure = "" if clear else ", the larger part though not surely"
        return "retrain", f"{seen}{unsure}: those are for training."
    unsure = "" if clear else ", the smaller part though not surely"
    return "knowledge", f"Only {seen}{unsure}. {_knowledge(answers)}"


def _knowledge(answers: Answers) -> str:
    facts, had = (
        answers.shares[one].rate if one in answers.shares else 0.0 for one in (FACTS_MISSING, YES)
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
