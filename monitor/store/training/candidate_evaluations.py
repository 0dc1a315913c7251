"""Queries on candidate evaluations: planned, running, awaiting ratings, finished."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any

from sqlalchemy import JSON, Connection, exists, select, type_coerce, update

from monitor.errors import NotFoundError
from monitor.store.audit_log import SYSTEM
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, insert_row, read_row, read_rows
from monitor.store.tables import CandidateEvaluation, ModelVersion
from monitor.store.training import children
from monitor.store.training.candidate_results import CandidateResults, WeakerRules
from monitor.store.training.registry import VersionRow, version_by_id


@dataclass(frozen=True)
class CandidateEvaluationRow:
    """An evaluation of a candidate. See the table of the same name."""

    id: int
    version_id: int
    model: str
    version: int
    #: Where the version stands now.
    stage: str
    training_run_id: int | None
    status: str
    launcher: str
    handle: dict[str, Any] | None
    work_dir: str
    request: dict[str, Any]
    file_digest: str
    dataset_digests: dict[str, str] | None
    attempts: int
    next_attempt_at: datetime
    results: CandidateResults | None
    gate_result: str | None
    error: str | None
    #: Of a cancelled one: why its child couldn't be ended yet.
    termination_error: str | None
    planned_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    approved_by: str | None
    approved_reason: str | None
    approved_at: datetime | None

    @property
    def may_roll_out(self) -> bool:
        """Whether the candidate may be rolled out: promoted, or undecided and approved."""
        return self.gate_result == "promote" or self.approved_by is not None


_COLUMNS = columns_of(CandidateEvaluationRow, CandidateEvaluation, ModelVersion)


def insert_candidate_evaluation(
    connection: Connection,
    version_id: int,
    *,
    launcher: str,
    work_dir: str,
    request: dict[str, Any],
    file_digest: str,
    planned_by: str,
    now: datetime,
) -> int:
    """Insert a planned evaluation; a second open one of a version raises ``IntegrityError``."""
    return insert_row(
        connection,
        CandidateEvaluation,
        version_id=version_id,
        status="planned",
        launcher=launcher,
        work_dir=work_dir,
        request=request,
        responses_key=token_hex(32),
        file_digest=file_digest,
        attempts=0,
        next_attempt_at=now,
        planned_by=planned_by,
        created_at=now,
    )


def candidate_evaluation_by_id(
    connection: Connection, evaluation_id: int, *, lock: bool = False
) -> CandidateEvaluationRow:
    """Return an evaluation, or ``NotFoundError``; ``lock`` locks its row in the transaction."""
    statement = _evaluations().where(CandidateEvaluation.id == evaluation_id)
    if lock:  # SQLite's transactions are exclusive anyway
        statement = statement.with_for_update(of=CandidateEvaluation)
    row = read_row(connection, CandidateEvaluationRow, statement)
    if row is None:
        raise NotFoundError(f"there is no evaluation {evaluation_id}")
    return row


def unfinished_candidate_evaluation(
    connection: Connection, version_id: int
) -> CandidateEvaluationRow | None:
    """Return the evaluation of a version that hasn't ended."""
    return _first(
        connection,
        CandidateEvaluation.version_id == version_id,
        CandidateEvaluation.finished_at.is_(None),
    )


def latest_candidate_evaluation(
    connection: Connection, version_id: int
) -> CandidateEvaluationRow | None:
    """Return a version's newest evaluation, whatever became of it."""
    return _first(connection, CandidateEvaluation.version_id == version_id)


def latest_succeeded_evaluation(
    connection: Connection, version_id: int
) -> CandidateEvaluationRow | None:
    """Return a version's newest evaluation that ended with a verdict."""
    return _first(
        connection,
        CandidateEvaluation.version_id == version_id,
        CandidateEvaluation.status == "succeeded",
    )


def evaluations_with_results(
    connection: Connection, model: str, version_id: int | None = None
) -> Iterator[CandidateEvaluationRow]:
    """Yield the evaluations of a model, or of a version of it, that had results, newest first.

    Those that were cancelled then are among them.
    """
    statement = (
        select(CandidateEvaluation.id)
        .join(ModelVersion, ModelVersion.id == CandidateEvaluation.version_id)
        .where(ModelVersion.model == model, CandidateEvaluation.dataset_digests.is_not(None))
        .order_by(CandidateEvaluation.id.desc())
    )
    if version_id is not None:
        statement = statement.where(CandidateEvaluation.version_id == version_id)
    for evaluation_id in connection.execute(statement).scalars().all():
        yield candidate_evaluation_by_id(connection, evaluation_id)


def weaker_rules_of(connection: Connection, version_id: int) -> tuple[WeakerRules, ...]:
    """Return what a version's gate result asks less for than earlier evaluations."""
    row = latest_succeeded_evaluation(connection, version_id)
    return row.results.weaker_rules if row is not None and row.results is not None else ()


def responses_key(connection: Connection, evaluation_id: int) -> str:
    """Return the key of an evaluation's responses; empty: an older release planned it."""
    statement = select(CandidateEvaluation.responses_key).where(
        CandidateEvaluation.id == evaluation_id
    )
    return connection.execute(statement).scalar_one() or ""


def responses_digests(connection: Connection) -> list[str]:
    """Return the SHA-256 of the file of responses of each evaluation with results."""
    digest = type_coerce(CandidateEvaluation.results, JSON())["responses_digest"].as_string()
    statement = select(digest).where(CandidateEvaluation.results.is_not(None), digest != "")
    return sorted(connection.execute(statement.distinct()).scalars())


def list_candidate_evaluations(
    connection: Connection,
    *,
    model: Models = None,
    statuses: Sequence[str] = (),
    finished_since: datetime | None = None,
    limit: int = 100,
) -> list[CandidateEvaluationRow]:
    """Return evaluations, the newest first."""
    statement = _evaluations().order_by(CandidateEvaluation.id.desc()).limit(limit)
    statement = statement.where(*of_models(ModelVersion.model, model))
    if statuses:
        statement = statement.where(CandidateEvaluation.status.in_(statuses))
    if finished_since is not None:
        statement = statement.where(CandidateEvaluation.finished_at >= finished_since)
    return read_rows(connection, CandidateEvaluationRow, statement)


def evaluations_of_version(connection: Connection, version_id: int) -> list[CandidateEvaluationRow]:
    """Return all evaluations of a version, the newest first."""
    statement = _evaluations().where(CandidateEvaluation.version_id == version_id)
    return read_rows(
        connection, CandidateEvaluationRow, statement.order_by(CandidateEvaluation.id.desc())
    )


def unevaluated_candidates(connection: Connection, model: str) -> list[VersionRow]:
    """Return a model's candidates that a training made and nobody has evaluated, oldest first."""
    statement = (
        select(ModelVersion.id)
        .where(
            ModelVersion.model == model,
            ModelVersion.stage == "candidate",
            ModelVersion.training_run_id.is_not(None),
            ~exists().where(CandidateEvaluation.version_id == ModelVersion.id),
        )
        .order_by(ModelVersion.id)
    )
    return [
        version_by_id(connection, version_id)
        for version_id in connection.execute(statement).scalars().all()
    ]


def mark_running(
    connection: Connection, evaluation_id: int, handle: dict[str, Any], now: datetime
) -> bool:
    """Start a planned evaluation and store its child's handle; return whether this call did it."""
    return children.advance(
        connection,
        CandidateEvaluation,
        evaluation_id,
        "start",
        now,
        handle=handle,
        attempts=CandidateEvaluation.attempts + 1,
        started_at=now,
        error=None,
    )


def postpone_evaluation(
    connection: Connection, evaluation_id: int, error: str, until: datetime, now: datetime
) -> bool:
    """Plan a running evaluation again, not before a time; return whether this call did it."""
    return children.advance(
        connection,
        CandidateEvaluation,
        evaluation_id,
        "postpone",
        now,
        handle=None,
        error=error,
        next_attempt_at=until,
    )


def await_ratings(
    connection: Connection, evaluation_id: int, results: CandidateResults, now: datetime
) -> bool:
    """Store a running evaluation's results and await ratings; return whether this call did it."""
    return children.advance(
        connection,
        CandidateEvaluation,
        evaluation_id,
        "await_ratings",
        now,
        results=results,
        dataset_digests=results.dataset_digests,
    )


def finish_candidate_evaluation(
    connection: Connection,
    evaluation_id: int,
    status: str,
    *,
    now: datetime,
    by: str = SYSTEM,
    results: CandidateResults | None = None,
    error: str | None = None,
) -> bool:
    """Finish an evaluation with a final status; return whether this call did it."""
    values: dict[str, Any] = {"error": error}
    details: dict[str, Any] = {}
    if results is not None:
        details = {"gate_result": results.gate_result}
        if results.weaker_rules:
            details["weaker_rules"] = [str(entry) for entry in results.weaker_rules]
        values |= {
            "results": results,
            "gate_result": results.gate_result,
            "dataset_digests": results.dataset_digests,
        }
    return children.finish(
        connection,
        CandidateEvaluation,
        evaluation_id,
        status,
        now,
        by=by,
        details=details,
        **values,
    )


def evaluations_to_terminate(
    connection: Connection, *, version_id: int | None = None
) -> list[CandidateEvaluationRow]:
    """Return the cancelled evaluations, of a version or of all, whose child couldn't be ended."""
    statement = (
        _evaluations()
        .where(CandidateEvaluation.termination_error.is_not(None))
        .order_by(CandidateEvaluation.id)
    )
    if version_id is not None:
        statement = statement.where(CandidateEvaluation.version_id == version_id)
    return read_rows(connection, CandidateEvaluationRow, statement)


def approve_evaluation(
    connection: Connection, evaluation_id: int, by: str, reason: str, now: datetime
) -> bool:
    """Let an undecided candidate go on; return whether this call did it."""
    outcome = connection.execute(
        update(CandidateEvaluation)
        .where(
            CandidateEvaluation.id == evaluation_id,
            CandidateEvaluation.gate_result == "undecided",
            CandidateEvaluation.approved_by.is_(None),
        )
        .values(approved_by=by, approved_reason=reason, approved_at=now)
    )
    return outcome.rowcount == 1


def _evaluations() -> Any:
    return select(*_COLUMNS).join(ModelVersion, ModelVersion.id == CandidateEvaluation.version_id)


def _first(connection: Connection, *conditions: Any) -> CandidateEvaluationRow | None:
    statement = _evaluations().where(*conditions).order_by(CandidateEvaluation.id.desc()).limit(1)
    return read_row(connection, CandidateEvaluationRow, statement)
