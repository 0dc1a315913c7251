"""Decide on each batch whether to retrain: read the evidence, apply the rule, write it down."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.review.decision.evidence import collect_evidence, decision_inputs
from monitor.review.decision.rule import recommend
from monitor.settings import Review, Settings
from monitor.store.accounts.users import UserRow
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.review.decisions import (
    DecisionRow,
    confirm_decision,
    decision_by_id,
    decision_of_batch,
    save_decision,
)
from monitor.store.review.items import BatchRow, batch_by_id, list_batches


def decide(connection: Connection, batch_id: int, review: Review, now: datetime) -> DecisionRow:
    """Decide on a batch; a decision that isn't ``undecided`` is final and returned as it is.

    Raises:
        NotFoundError: There is no such batch.
    """
    standing = decision_of_batch(connection, batch_id)
    if standing is not None and standing.recommendation != "undecided":
        return standing
    batch = batch_by_id(connection, batch_id)
    recommendation, inputs = evaluate_batch(connection, batch, review)
    row = save_decision(
        connection, batch_id, batch.model, recommendation=recommendation, inputs=inputs, now=now
    )
    if recommendation != "undecided":
        details = {"recommendation": recommendation}
        append_entry(
            connection, now, "driftwarden", "decided", f"batch:{batch_id}", details=details
        )
    return row


def decide_open_batches(engine: Engine, settings: Settings, now: datetime) -> list[DecisionRow]:
    """Decide, or decide again, on every batch whose decision isn't final, oldest first.

    A batch that no newer one counts any more stays as it is.
    """
    with transaction(engine) as connection:
        batches = list_batches(connection, settings.model.name)
        reach = settings.review.decision_window
        open_batches = [
            batch.id
            for batch in reversed(batches)
            if batch.window_end > batches[0].window_end - reach
            and (
                (row := decision_of_batch(connection, batch.id)) is None
                or row.recommendation == "undecided"
            )
        ]
    decisions = []
    for batch_id in open_batches:
        with transaction(engine) as connection:
            decisions.append(decide(connection, batch_id, settings.review, now))
    return decisions


def evaluate_batch(
    connection: Connection, batch: BatchRow, review: Review
) -> tuple[str, dict[str, Any]]:
    """Return the recommendation and everything that led to it, without writing anything."""
    findings = collect_evidence(connection, batch, review)
    outcome = recommend(findings.evidence, review)
    return outcome.recommendation, decision_inputs(findings, outcome, review)


def confirm_retraining(
    connection: Connection, decision_id: int, person: UserRow, now: datetime
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
