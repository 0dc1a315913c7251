"""State of each decision: open, closed with its version, or superseded by a newer one.

It is computed, so that every place shows the same, at once after a promotion, a revert or a newer
decision.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from monitor.store.model_sets import Models, of_models
from monitor.store.tables import Decision, DriftEvaluation, ReviewBatch, TrainingRun
from monitor.store.training.plan_requests import decision_of_run
from monitor.store.training.versions.known_versions import KnownVersions, known_versions_of
from monitor.stored_words import labels

#: What a decision recommends.
OUTCOMES = labels(
    {
        "retrain": "Retrain",
        "fix_context": "Fix retrieval or prompt first",
        "fix_guidelines": "Fix the guidelines first",
        "keep": "Keep the model",
        "undecided": "No decision yet",
    }
)


@dataclass(frozen=True, kw_only=True)
class DecisionState:
    """The state of a decision."""

    kind: Literal["open", "closed", "superseded"]
    #: Name of the version that it is about; empty: unknown.
    version: str
    #: Why it is not open, as a sentence; empty: it is.
    reason: str = ""
    #: The newer decision that superseded it.
    superseded_by: int | None = None
    #: The older decisions that it supersedes, the newest first.
    supersedes: tuple[int, ...] = ()

    @property
    def clause(self) -> str:
        """Return the reason as it follows "decision N is", without a full stop."""
        return f"{self.reason[:1].lower()}{self.reason[1:].rstrip('.')}"

    @property
    def is_open(self) -> bool:
        """Return whether it may be confirmed and start a run."""
        return self.kind == "open"


def decision_states(connection: Connection, models: Models = None) -> dict[int, DecisionState]:
    """Return the state of each decision of some models, by its id.

    It is closed once its version has left production, for good: a version that returns gets a new
    one. Else the newest final decision of a model supersedes those of earlier windows, also
    confirmed ones: what has not started doesn't start, and a run that has started goes on.
    """
    running = (
        select(func.max(TrainingRun.id))
        .where(decision_of_run() == Decision.id, TrainingRun.status == "running")
        .correlate(Decision)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            Decision.id,
            Decision.model,
            Decision.version,
            Decision.promotion_id,
            Decision.recommendation,
            running.label("running"),
        )
        .join(ReviewBatch, ReviewBatch.id == Decision.batch_id)
        .join(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
        .where(*of_models(Decision.model, models))
        .order_by(DriftEvaluation.window_end.desc(), Decision.id.desc())
    ).all()
    states: dict[int, DecisionState] = {}
    of_model: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        of_model[row.model].append(row)
    for model, known in known_versions_of(connection, of_model).items():
        states |= _of_model(of_model[model], known)
    return states


def decision_state(connection: Connection, decision_id: int, model: str) -> DecisionState:
    """Return the state of one decision."""
    return decision_states(connection, model)[decision_id]


def _of_model(rows: list[Any], known: KnownVersions) -> Mapping[int, DecisionState]:
    """Return the states of a model's decisions, which are those of the newest window first."""
    states: dict[int, DecisionState] = {}
    newest: Any = None
    superseded: list[int] = []
    for row in rows:
        version = known.name(row.version)
        if (version, row.promotion_id) != (known.serving, known.promotion_id):
            reason = _closed(known, version, row.promotion_id)
            states[row.id] = DecisionState(kind="closed", version=version, reason=reason)
            continue
        if newest is not None:
            superseded.append(row.id)
            outcome = OUTCOMES[newest.recommendation].lower()
            goes_on = "" if row.running is None else f" Training run {row.running} goes on."
            states[row.id] = DecisionState(
                kind="superseded",
                version=version,
                reason=f"Superseded by decision {newest.id} of a newer window: {outcome}.{goes_on}",
                superseded_by=newest.id,
            )
        else:
            states[row.id] = DecisionState(kind="open", version=version)
        if newest is None and row.recommendation != "undecided":
            newest = row
    if superseded:
        states[newest.id] = DecisionState(
            kind="open", version=states[newest.id].version, supersedes=tuple(superseded)
        )
    return states


def _closed(known: KnownVersions, version: str, promotion_id: int) -> str:
    name = f"version {version}" if version else "the version that it is about"
    left = known.departure(version, promotion_id)
    if left is None:
        end = f"Closed: {name} no longer serves"
    else:
        end = f"Closed: {name} left production on {left.at.day} {left.at:%b %Y}"
    if known.serving == version:
        return f"{end}; it serves again, and a new decision is made from its own reviews."
    return f"{end}; version {known.serving} serves now." if known.serving else f"{end}."
