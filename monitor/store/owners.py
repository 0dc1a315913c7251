"""The model that a row belongs to, by the kind of the row and its id."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from monitor.store.tables import (
    CandidateEvaluation,
    Decision,
    DriftEvaluation,
    Exchange,
    HumanEvaluation,
    Incident,
    ModelVersion,
    ReviewBatch,
    ReviewItem,
    Rollout,
    TrainingRun,
)

_MODELS: Mapping[str, tuple[Select[str], Any]] = {
    "evaluation": (select(DriftEvaluation.model), DriftEvaluation),
    "incident": (select(Incident.model), Incident),
    "decision": (select(Decision.model), Decision),
    "rollout": (select(Rollout.model), Rollout),
    "run": (select(TrainingRun.model), TrainingRun),
    "item": (
        select(ReviewBatch.model).join(ReviewItem, ReviewItem.batch_id == ReviewBatch.id),
        ReviewItem,
    ),
    "exchange": (select(Exchange.model), Exchange),
    "batch": (select(ReviewBatch.model), ReviewBatch),
    "version": (select(ModelVersion.model), ModelVersion),
    "candidate_evaluation": (
        select(ModelVersion.model).join(
            CandidateEvaluation, CandidateEvaluation.version_id == ModelVersion.id
        ),
        CandidateEvaluation,
    ),
    "human_evaluation": (
        select(ModelVersion.model).join(
            HumanEvaluation, HumanEvaluation.version_id == ModelVersion.id
        ),
        HumanEvaluation,
    ),
}
#: The kinds of rows that belong to a model.
KINDS = tuple(_MODELS)
_BY_ID = {
    kind: statement.where(table.id == bindparam("row_id"))
    for kind, (statement, table) in _MODELS.items()
}


def model_of(connection: Connection, kind: str, row_id: int) -> str | None:
    """Return the model of a row of one of the kinds, or ``None`` where there is no such row."""
    return connection.execute(_BY_ID[kind], {"row_id": row_id}).scalar_one_or_none()
