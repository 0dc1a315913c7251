"""Second evaluation of a version: by rules and items that ask for no less than before."""

import msgspec
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.training.candidate_evaluations import latest_evaluation_with_results
from monitor.store.training.registry import VersionRow
from retrain.evaluation.request import EvaluationRequest, as_request
from retrain.evaluation.rules.weaknesses import weaknesses


def prepare_reevaluation(
    connection: Connection, version: VersionRow, request: EvaluationRequest
) -> EvaluationRequest:
    """Return the request with the data sets of the version's last evaluation, if there was one.

    Otherwise a version would be evaluated by weaker and weaker rules until it passes.

    Raises:
        WorkflowError: The file or the settings ask for less than those of the last evaluation, or
            the version is rejected and there is no reason.
    """
    name = f"{version.model} version {version.version}"
    if version.stage == "rejected" and not request.reason.strip():
        raise WorkflowError(
            f"{name} is rejected; to evaluate it again, give a reason: driftwarden retrain "
            f"evaluate {version.training_run_id} --reason WHY",
            code="rejected",
        )
    before = latest_evaluation_with_results(connection, version.id)
    if before is None:
        return request
    weaker = list(weaknesses(request, as_request(before.request)))
    if weaker:
        raise WorkflowError(
            f"{name} was evaluated before, and this evaluation asks for less than evaluation "
            f"{before.id}: {'; '.join(weaker)}; ask for no less, or train a new version",
            code="weaker_evaluation",
        )
    return msgspec.structs.replace(
        request,
        evaluation_before=before.id,
        digests_before=dict(before.dataset_digests or {}),
        items_before=before.results.item_digests if before.results else {},
    )
