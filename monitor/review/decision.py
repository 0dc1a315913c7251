"""Whether to retrain: the rule, its inputs and the reasons in words.

Retraining is recommended when the error rate of the control slice has surely risen since launch,
the reviewers agree well enough to be believed, and there is enough gold on the drifted topics to
train on. See ``docs/explanation`` for what the rule was simulated to do.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.review.agreement import Agreement, measure_agreement
from monitor.review.estimate import (
    ControlSlice,
    Rise,
    control_slice,
    estimate_rate,
    estimate_rise,
)
from monitor.settings import Review, Settings
from monitor.store.audit import append_entry
from monitor.store.decisions import (
    DecisionRow,
    accepted_score,
    confirm_decision,
    decision_by_id,
    decision_of_batch,
    put_decision,
)
from monitor.store.engine import transaction
from monitor.store.review_items import (
    BatchRow,
    batch_by_id,
    count_drifted_gold,
    items_of_batches,
    list_batches,
)
from monitor.store.reviewers import ReviewerRow
from monitor.store.reviews import gold_of_batches, reviews_of

#: With more of the control slice undecided than this, there is no decision.
MISSING_LIMIT = 0.10


@dataclass(frozen=True)
class Baseline:
    """The error rate at launch, and where it comes from."""

    errors: float
    n: int
    source: str


def decide(connection: Connection, batch_id: int, review: Review, now: datetime) -> DecisionRow:
    """Decide on a batch; a decision that isn't ``undecided`` is final and returned as it is.

    Raises:
        NotFoundError: There is no such batch.
    """
    standing = decision_of_batch(connection, batch_id)
    if standing is not None and standing.recommendation != "undecided":
        return standing
    batch = batch_by_id(connection, batch_id)
    recommendation, inputs = assess_batch(connection, batch, review)
    row = put_decision(
        connection, batch_id, batch.model, recommendation=recommendation, inputs=inputs, now=now
    )
    if recommendation != "undecided":
        details = {"recommendation": recommendation}
        append_entry(
            connection, now, "driftwarden", "decided", f"batch:{batch_id}", details=details
        )
    return row


def decide_open_batches(engine: Engine, settings: Settings, now: datetime) -> list[DecisionRow]:
    """Decide, or decide again, on every batch whose decision isn't final, oldest first."""
    with transaction(engine) as connection:
        batches = list_batches(connection, settings.model.name)
        open_batches = [
            batch.id
            for batch in reversed(batches)
            if (row := decision_of_batch(connection, batch.id)) is None
            or row.recommendation == "undecided"
        ]
    decisions = []
    for batch_id in open_batches:
        with transaction(engine) as connection:
            decisions.append(decide(connection, batch_id, settings.review, now))
    return decisions


def assess_batch(
    connection: Connection, batch: BatchRow, review: Review
) -> tuple[str, dict[str, Any]]:
    """Return the recommendation and everything that led to it, without writing anything."""
    own = _control(connection, [batch.id])
    pooled_ids = _complete_batches(connection, batch, review)
    pooled = _control(connection, pooled_ids)
    items = items_of_batches(connection, pooled_ids)
    agreement = _agreement(connection, [item.id for item in items], seed=batch.id)
    drifted_gold = count_drifted_gold(connection, pooled_ids)
    baseline = launch_rate(connection, batch.model, review)
    rise = (
        estimate_rise(
            pooled.effective_errors,
            pooled.effective_n,
            baseline.errors,
            baseline.n,
            review.confidence,
        )
        if pooled.n
        else None
    )
    gold = gold_of_batches(connection, pooled_ids)
    wrong = [row for row in gold if row.verdict != "accept"]
    recommendation, reasons = recommend(own, rise, agreement, drifted_gold, review)
    return recommendation, {
        "batches": pooled_ids,
        "control": {**asdict(pooled), "missing_share": pooled.missing_share},
        "control_of_batch": {**asdict(own), "missing_share": own.missing_share},
        "rate": asdict(estimate_rate(pooled.effective_errors, pooled.effective_n))
        if pooled.n
        else None,
        "baseline": {**asdict(estimate_rate(baseline.errors, baseline.n)), "from": baseline.source},
        "rise": asdict(rise) if rise else None,
        "confidence": review.confidence,
        "agreement": {**asdict(agreement), "minimum": review.minimum_agreement},
        "drifted_gold": drifted_gold,
        "minimum_drifted_gold": review.minimum_drifted_gold,
        "error_kinds": dict(Counter(row.error_kind for row in wrong).most_common()),
        "error_kinds_control": dict(
            Counter(row.error_kind for row in wrong if row.slice == "control").most_common()
        ),
        "reasons": reasons,
    }


def recommend(
    control: ControlSlice,
    rise: Rise | None,
    agreement: Agreement,
    drifted_gold: int,
    review: Review,
) -> tuple[str, list[str]]:
    """Apply the rule.

    Args:
        control: The batch's own control slice.
        rise: Change of the error rate over all batches that count.
        agreement: Of the independent first votes.
        drifted_gold: Gold items on drifted topics.
        review: The thresholds.

    Returns:
        The recommendation, and its reasons in words.
    """
    if rise is None or control.missing_share > MISSING_LIMIT:
        wanted = control.n_drawn - control.n_excluded
        return "undecided", [
            (
                f"{control.n} of {wanted} control items are decided; "
                f"no conclusion is drawn while more than {MISSING_LIMIT:.0%} are missing."
            )
        ]
    change = (
        f"The error rate differs from that at launch by {100 * rise.difference:+.1f} points; with "
        f"{review.confidence:.0%} confidence by at least {100 * rise.bound:+.1f}."
    )
    if rise.bound <= 0:
        return "keep", [change, "That is no sure rise, so the model stays."]
    reasons = [change, "The rise is sure."]
    if agreement.alpha is not None and agreement.alpha < review.minimum_agreement:
        reasons.append(
            f"But the reviewers agree too little (alpha {agreement.alpha:.2f}, at least "
            f"{review.minimum_agreement:g} is needed): mend the guide, then review again."
        )
        return "mend_guide", reasons
    if drifted_gold < review.minimum_drifted_gold:
        reasons.append(
            f"But only {drifted_gold} gold items lie on drifted topics; training needs "
            f"{review.minimum_drifted_gold}. Review the rest of the queue, or raise the budget."
        )
        return "undecided", reasons
    reasons.append(
        f"The reviewers agree, and {drifted_gold} gold items on drifted topics are there to learn "
        "from."
    )
    return "retrain", reasons


def launch_rate(connection: Connection, model: str, review: Review) -> Baseline:
    """Return the error rate that the production version was accepted with, else the configured."""
    accepted = accepted_score(connection, model)
    if accepted is not None:
        version, correct, n = accepted
        return Baseline((1 - correct) * n, n, f"acceptance of version {version}")
    return Baseline(
        review.baseline_error_rate * review.baseline_reviews,
        review.baseline_reviews,
        "review.baseline_error_rate",
    )


def _complete_batches(connection: Connection, batch: BatchRow, review: Review) -> list[int]:
    """Return this batch and the earlier ones of the last weeks whose control slice is decided."""
    first = batch.window_end - timedelta(weeks=review.window_weeks)
    recent = list_batches(connection, batch.model, ends_after=first, ends_until=batch.window_end)
    return [
        row.id
        for row in recent
        if row.id == batch.id or _control(connection, [row.id]).missing_share <= MISSING_LIMIT
    ]


def _control(connection: Connection, batch_ids: list[int]) -> ControlSlice:
    return control_slice(
        items_of_batches(connection, batch_ids), gold_of_batches(connection, batch_ids)
    )


def _agreement(connection: Connection, item_ids: list[int], *, seed: int) -> Agreement:
    votes: dict[int, list[str]] = {}
    for review in reviews_of(connection, item_ids):
        votes.setdefault(review.item_id, []).append(review.verdict)
    return measure_agreement(list(votes.values()), rng=np.random.default_rng(seed))


def confirm_retraining(
    connection: Connection, decision_id: int, person: ReviewerRow, now: datetime
) -> None:
    """Let a lead start the retraining that a decision recommends; again does nothing.

    Raises:
        NotFoundError: There is no such decision.
        WorkflowError: The person isn't a lead, or the decision doesn't recommend retraining.
    """
    decision = decision_by_id(connection, decision_id)
    if not person.leads:
        raise WorkflowError("a lead or an admin confirms a retraining")
    if decision.recommendation != "retrain":
        raise WorkflowError(f"the decision is {decision.recommendation!r}, not to retrain")
    if confirm_decision(connection, decision_id, person.name, now):
        append_entry(connection, now, person.name, "confirmed", f"decision:{decision_id}")
