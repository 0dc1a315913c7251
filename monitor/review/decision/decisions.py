"""Decisions on batches: read the evidence, apply the rule, store the recommendation."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.errors import WorkflowError
from monitor.review.decision.evidence import (
    collect_evidence,
    decision_inputs,
    version_of_batch,
)
from monitor.review.decision.rule import recommend
from monitor.settings import Review, Settings
from monitor.store.accounts.users import UserRow
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.review.decision_states import decision_state
from monitor.store.review.decisions import (
    DecisionRow,
    confirm_decision,
    decision_by_id,
    decisions_of_batch,
    save_decision,
)
from monitor.store.review.items import BatchRow, batch_by_id, list_batches
from monitor.store.training.versions.known_versions import KnownVersions, known_versions


def decide(connection: Connection, batch_id: int, review: Review, now: datetime) -> DecisionRow:
    """Decide on a batch and store the decision; a decision other than ``undecided`` is final.

    It is about the version that serves now. A batch without a control item of that version keeps
    the decision that it has.

    Raises:
        NotFoundError: There is no such batch.
        WorkflowError: It has neither a control item of that version nor a decision, or a lead chose
            its exchanges.
    """
    batch = batch_by_id(connection, batch_id)
    if not batch.evaluation_id:
        raise WorkflowError(
            f"batch {batch_id} has exchanges that a lead chose, so that it is no sample of the "
            "traffic; decide on a batch of a window",
            code="chosen_batch",
        )
    known = known_versions(connection, batch.model)
    earlier = decisions_of_batch(connection, batch_id)
    standing = next((row for row in earlier if is_about_serving(known, row)), None)
    if standing is not None and standing.recommendation != "undecided":
        return standing
    if version_of_batch(connection, batch, known) != known.serving:
        if earlier:
            return earlier[0]
        raise WorkflowError(
            f"batch {batch_id} has no control item of version {known.serving or '(unknown)'}, which"
            " serves now; decide on a batch of a later window",
            code="other_version",
        )
    recommendation, inputs = evaluate_batch(connection, batch, review)
    row = save_decision(
        connection,
        batch_id,
        batch.model,
        recommendation=recommendation,
        inputs=inputs,
        now=now,
        version=known.serving if standing is None else standing.version,
        promotion_id=known.promotion_id,
    )
    if recommendation != "undecided":
        details = {"recommendation": recommendation}
        append_entry(
            connection, now, "driftwarden", "decided", f"batch:{batch_id}", details=details
        )
    return row


def decide_open_batches(engine: Engine, settings: Settings, now: datetime) -> list[DecisionRow]:
    """Decide on every batch of a model without a final decision, the oldest first.

    The decision is about the version that serves now. Batches that newer ones don't count any more,
    and those without a control item of that version, are left unchanged.
    """
    with transaction(engine) as connection:
        batches = list_batches(connection, settings.model.name)
        known = known_versions(connection, settings.model.name)
        reach = settings.review.decision_window
        open_batches = [
            batch.id
            for batch in reversed(batches)
            if batch.window_end > batches[0].window_end - reach
            and not any(
                is_about_serving(known, row) and row.recommendation != "undecided"
                for row in decisions_of_batch(connection, batch.id)
            )
            and version_of_batch(connection, batch, known) == known.serving
        ]
    decisions = []
    for batch_id in open_batches:
        with transaction(engine) as connection:
            decisions.append(decide(connection, batch_id, settings.review, now))
    return decisions


def evaluate_batch(
    connection: Connection, batch: BatchRow, review: Review
) -> tuple[str, dict[str, Any]]:
    """Return the recommendation and its inputs without storing them.

    They are about the version that serves now; where the batch has no control item of it, about the
    version that gave most of its responses.
    """
    findings = collect_evidence(connection, batch, review)
    outcome = recommend(findings.evidence, review)
    return outcome.recommendation, decision_inputs(findings, outcome, review)


def confirm_retraining(
    connection: Connection,
    decision_id: int,
    user: UserRow,
    now: datetime,
    *,
    has_plan: bool = False,
) -> None:
    """Confirm the retraining that a decision recommends; confirming again has no effect.

    With ``has_plan`` a lead has planned its run, so that the last check of the daemon's is void.

    Raises:
        NotFoundError: There is no such decision.
        WorkflowError: The user is no lead of the model, the decision is closed or superseded,
            retraining isn't recommended, or its run can't start.
    """
    decision = decision_by_id(connection, decision_id)
    if not user.is_lead_of(decision.model):
        raise WorkflowError(
            "only a lead of the model or an admin can confirm a retraining", code="no_lead"
        )
    require_plannable(connection, decision)
    if not has_plan:
        require_startable(decision)
    if confirm_decision(connection, decision_id, user.name, now):
        append_entry(connection, now, user.name, "confirmed", f"decision:{decision_id}")


def require_plannable(connection: Connection, decision: DecisionRow) -> None:
    """Require a decision whose retraining can be planned; ``WorkflowError`` says why not."""
    if decision.recommendation != "retrain":
        raise WorkflowError(
            f"the decision doesn't recommend retraining, but {decision.recommendation!r}",
            code=decision.recommendation,
        )
    require_open(connection, decision)


def is_plannable(connection: Connection, decision: DecisionRow) -> bool:
    """Return whether :func:`require_plannable` lets a decision's retraining be planned."""
    try:
        require_plannable(connection, decision)
    except WorkflowError:
        return False
    return True


def require_open(connection: Connection, decision: DecisionRow) -> None:
    """Refuse what needs an open decision; ``WorkflowError`` says why this one is not."""
    state = decision_state(connection, decision.id, decision.model)
    if not state.is_open:
        raise WorkflowError(
            f"decision {decision.id} is {state.clause}",
            code=state.kind,
            page=f"/decisions/{decision.id}",
        )


def is_about_serving(known: KnownVersions, decision: DecisionRow) -> bool:
    """Return whether a decision is about the version that serves, since it came into production."""
    return (known.name(decision.version), decision.promotion_id) == (
        known.serving,
        known.promotion_id,
    )


def require_startable(decision: DecisionRow) -> None:
    """Refuse a retraining whose run would fail by the last check; ``WorkflowError`` says why."""
    if decision.refusal:
        raise WorkflowError(
            f"the training run of decision {decision.id} can't start: {decision.refusal}; mend "
            "it, and let it be checked again on the page of its start",
            code="cant_start",
        )
