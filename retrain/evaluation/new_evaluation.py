"""Planning of candidate evaluations."""

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.errors import WorkflowError
from monitor.settings import Settings
from monitor.settings.evaluation_file import read_plan
from monitor.store.training import candidate_evaluations as store
from monitor.store.training.registry import VersionRow, production_version
from monitor.store.training.runs import run_by_id
from retrain.evaluation.consequences import append_audit
from retrain.evaluation.request import EvaluationRequest
from retrain.models.source import Source, source_of


def request_for(
    connection: Connection, version: VersionRow, settings: Settings, file: Path
) -> EvaluationRequest:
    """Return the request to evaluate a version, from the current settings and file.

    The incumbent is the serving version, regardless of the candidate's start adapter.

    Raises:
        ConfigurationError: The file is missing or malformed.
        WorkflowError: The version has no training run.
    """
    if version.training_run_id is None:
        raise WorkflowError(
            f"{version.model} version {version.version} has no training run, and so no folder "
            "to evaluate it in"
        )
    read_plan(file)  # validate the file before anything is planned
    recipe = run_by_id(connection, version.training_run_id).recipe
    base = Source(base=str(recipe["base"]), revision=str(recipe.get("base_revision", "")))
    serving = production_version(connection, version.model)
    retrain = settings.retrain
    return EvaluationRequest(
        candidate=source_of(version, base),
        incumbent=source_of(serving, base) if serving and serving.id != version.id else None,
        base=base,
        base_prompt=settings.model.system_prompt,
        origin=str(file.absolute()),
        content=file.read_text(encoding="utf-8"),
        gates=retrain.gates.model_dump(mode="json"),
        scoring=retrain.scoring.model_dump(mode="json"),
        judge=retrain.judge.model_dump(mode="json"),
        seed=int(recipe["seed"]),
        data=retrain.data.model_dump(mode="json"),
    )


def plan_evaluation(
    connection: Connection,
    version: VersionRow,
    request: EvaluationRequest,
    *,
    by: str,
    now: datetime,
) -> int:
    """Insert a planned evaluation, unless the version has an active evaluation.

    Returns:
        Id of the new or the active evaluation.
    """
    known = store.unfinished_candidate_evaluation(connection, version.id)
    if known is not None:
        return known.id
    run = run_by_id(connection, version.training_run_id or 0)
    try:
        with connection.begin_nested():
            evaluation_id = store.insert_candidate_evaluation(
                connection,
                version.id,
                launcher=run.launcher,
                work_dir=run.work_dir,
                request=msgspec.to_builtins(request),
                file_digest=request.file_digest,
                planned_by=by,
                now=now,
            )
    except IntegrityError:
        known = store.unfinished_candidate_evaluation(
            connection, version.id
        )  # another process has planned it
        if known is None:
            raise
        return known.id
    append_audit(connection, evaluation_id, now, by, "evaluation.planned", version=version.id)
    return evaluation_id
