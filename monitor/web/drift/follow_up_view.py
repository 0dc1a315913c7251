"""Consequences of a drift evaluation, and the next actions of a lead."""

from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.store.alerts.incidents import IncidentRow, incident_by_id, incident_of_evaluation
from monitor.store.review.decision_states import DecisionState, decision_state
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.draws import count_reused
from monitor.store.review.items import batch_of_evaluation, count_by_status
from monitor.store.windows.drift_evaluations import DriftEvaluationRow

#: Statuses of items that wait for nobody.
SETTLED = ("gold", "excluded")


@dataclass(frozen=True)
class FollowUpView:
    """The incident, the batch and the decision of a drift evaluation; ``None``: there is none."""

    incident: IncidentRow | None
    batch_id: int | None
    decision: DecisionRow | None
    #: Of the decision.
    state: DecisionState | None
    #: Whether a batch can be queued: the evaluation is finished and has none.
    can_queue: bool
    #: Items of the batch, those not settled yet, and drawn texts of other batches' items.
    n_items: int = 0
    n_waiting: int = 0
    n_reused: int = 0


def view_follow_up(connection: Connection, row: DriftEvaluationRow) -> FollowUpView:
    """Return what followed from an evaluation."""
    batch_id = batch_of_evaluation(connection, row.id)
    incident_id = incident_of_evaluation(connection, row.id)
    counts = {} if batch_id is None else count_by_status(connection, batch_id)
    decision = None if batch_id is None else decision_of_batch(connection, batch_id)
    return FollowUpView(
        None if incident_id is None else incident_by_id(connection, incident_id),
        batch_id,
        decision,
        None if decision is None else decision_state(connection, decision.id, row.model),
        can_queue=batch_id is None and row.assessment is not None,
        n_items=sum(counts.values()),
        n_waiting=sum(n for (_, status), n in counts.items() if status not in SETTLED),
        n_reused=0 if batch_id is None else count_reused(connection, batch_id),
    )
