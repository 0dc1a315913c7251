"""Preparation of an evaluation: by rules and items that ask for no less than the last one."""

from functools import partial

import msgspec
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    candidate_evaluation_by_id,
    evaluations_with_results,
)
from monitor.store.training.candidate_results import WeakerRules
from monitor.store.training.registry import VersionRow, stage_changes
from retrain.evaluation.request import EarlierItems, EvaluationRequest, as_request
from retrain.evaluation.rules.weaknesses import weaknesses
from retrain.registry.reasons import require_sentence


def prepare_reevaluation(
    connection: Connection, version: VersionRow, request: EvaluationRequest, *, by: str
) -> EvaluationRequest:
    """Return the request with what it asks less for than the last evaluations, and their items.

    Otherwise a model would be evaluated by weaker and weaker rules until a version passes.

    Raises:
        WorkflowError: The file or the settings ask for less than the last evaluation of the version
            or of the model, without a reason or for a rejected version; or there is no reason to
            evaluate a rejected version again.
    """
    name = f"{version.model} version {version.version}"
    is_rejected = version.stage == "rejected"
    evaluate = f"on its page, or by driftwarden retrain evaluate {version.training_run_id}"
    if is_rejected and not request.reason.strip():
        raise WorkflowError(
            f"{name} is rejected; evaluate it again with a reason, {evaluate} --reason WHY",
            code="rejected",
        )
    if is_rejected and request.move_because:
        raise WorkflowError(
            f"{name} is rejected: its items count where they did; evaluate it again without "
            "--move-items, or train a new version",
            code="weaker_evaluation",
        )
    of_model = partial(evaluations_with_results, connection, version.model)
    of_version = partial(of_model, version.id)
    last, own = next(of_model(), None), next(of_version(), None)
    if last is None:
        return request
    weaker = []
    for before in {row.id: row for row in (own, last) if row is not None}.values():
        rules = tuple(weaknesses(request, as_request(before.request)))
        if not rules:
            continue
        if is_rejected or not request.weaker_because:
            step = (
                "train a new version" if is_rejected else f"say why {evaluate} --weaker-because WHY"
            )
            raise WorkflowError(
                f"{name}: this evaluation asks for less than evaluation {before.id}: "
                f"{'; '.join(rules)}; ask for no less, or {step}",
                code="weaker_evaluation",
            )
        reason = require_sentence(request.weaker_because, "a weaker evaluation")
        weaker.append(WeakerRules(evaluation=before.id, rules=rules, reason=reason, by=by))
    items = next(filter(_has_all_items, of_version()), None)
    items_of_model = next(filter(_has_all_items, of_model()), None)
    return msgspec.structs.replace(
        request,
        evaluation_before=items.id if items else 0,
        digests_before=dict(items.dataset_digests or {}) if items else {},
        items_before=items.results.item_digests if items and items.results else {},
        model_evaluation_before=items_of_model.id if items_of_model else 0,
        accepted_by=by,
        weaker_rules=(*_carried(connection, last, request), *weaker),
    )


def earlier_items(connection: Connection, request: EvaluationRequest) -> EarlierItems | None:
    """Return the items of the model's evaluation before a request's."""
    if not request.model_evaluation_before:
        return None
    row = candidate_evaluation_by_id(connection, request.model_evaluation_before)
    return EarlierItems(
        evaluation=row.id,
        dataset_digests=dict(row.dataset_digests or {}),
        item_digests=row.results.item_digests if row.results else {},
        places=row.results.places if row.results else (),
    )


def _has_all_items(row: CandidateEvaluationRow) -> bool:
    """Return whether an evaluation had all items of the one before, or a lead approved it.

    Otherwise two evaluations without an item would do what one can't.
    """
    checks = row.results.checks if row.results else ()
    return row.approved_by is not None or not any(
        check.code == "kept_items" and check.outcome != "passed" for check in checks
    )


def _carried(
    connection: Connection, last: CandidateEvaluationRow, request: EvaluationRequest
) -> list[WeakerRules]:
    """Return the weaker rules of the last evaluation that still hold and were never promoted.

    Otherwise a second evaluation by the same file would hide them from the promotion.
    """
    changes = stage_changes(connection, last.version_id)
    if last.results is None or any(change.to_stage == "production" for change in changes):
        return []
    carried = []
    for entry in last.results.weaker_rules:
        before = as_request(candidate_evaluation_by_id(connection, entry.evaluation).request)
        rules = entry.rules if entry.of_items else tuple(weaknesses(request, before))
        if rules:
            carried.append(msgspec.structs.replace(entry, rules=rules))
    return carried
