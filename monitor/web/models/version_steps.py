"""Steps of leads on a version: promote, roll back, reject, evaluate; checked as in the shell."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.training.registry import lock_model, version_by_id
from monitor.web.access.audience import LEADS
from monitor.web.candidates.candidate_pages import plan_configured_evaluation
from monitor.web.current_user import Visit
from monitor.web.forms.reason import require_reason
from monitor.web.handlers import form
from retrain.registry.rejection import reject_version
from retrain.rollout.emergency.changed_weights import verifying_refused
from retrain.rollout.rows.rollouts import open_rollout
from retrain.rollout.transitions.promotion import promote_version, roll_back_version

Fields = URLEncodedBody[dict[str, Any]]


@form("/models/versions/{version_id:int}/promote", opt=LEADS)
def promote(
    request: Request[Any, Any, Any],
    version_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: Fields,
) -> Redirect:
    """Promote a version to all traffic, if a gate result permits it."""
    reason = require_reason(request, data)
    now = lead_visit.now
    with lead_visit.transaction() as connection:
        version = version_by_id(connection, version_id)
    with (
        verifying_refused(lead_visit.engine, version.model, now),
        lead_visit.transaction() as connection,
    ):
        promote_version(connection, version, now, by=lead_visit.user.name, reason=reason)
    return Redirect(f"/models/versions/{version_id}", status_code=303)


@form("/models/versions/{version_id:int}/rollback", opt=LEADS)
def roll_back(
    request: Request[Any, Any, Any],
    version_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: Fields,
) -> Redirect:
    """Revert the open rollout, or else return from this version to the one that served before."""
    reason = require_reason(request, data)
    with lead_visit.transaction() as connection:
        model = version_by_id(connection, version_id).model
        lock_model(connection, model)
        version = version_by_id(connection, version_id)
        if version.stage != "production":  # a page that is outdated, or a second press
            raise WorkflowError(
                f"version {version.version} is not in production any more, but {version.stage}",
                code="changed",
            )
        _require_same_rollout(connection, model, str(data.get("rollout", "")))
        done = roll_back_version(
            connection, model, lead_visit.now, by=lead_visit.user.name, reason=reason
        )
    if done.reverted is not None:
        return Redirect(f"/rollouts/{done.reverted.id}", status_code=303)
    return Redirect(f"/models/versions/{done.version.id}", status_code=303)


@form("/models/versions/{version_id:int}/reject", opt=LEADS)
def reject(
    request: Request[Any, Any, Any],
    version_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: Fields,
) -> Redirect:
    """Reject a candidate, such as one whose rollout was reverted."""
    reason = require_reason(request, data)
    with lead_visit.transaction() as connection:
        version = version_by_id(connection, version_id)
        reject_version(connection, version, lead_visit.now, by=lead_visit.user.name, reason=reason)
    return Redirect(f"/models/versions/{version_id}", status_code=303)


@form("/models/versions/{version_id:int}/evaluate", opt=LEADS)
def evaluate(
    version_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, str]],
) -> Redirect:
    """Plan the evaluation of a candidate by the configured file; the daemon runs it."""
    with lead_visit.transaction() as connection:
        return plan_configured_evaluation(connection, lead_visit, version_id, data)


def _require_same_rollout(connection: Connection, model: str, rollout_id: str) -> None:
    """Require that the page of a form showed the open rollout: a step back depends on it.

    The transaction has the lock of the model. ``rollout_id`` is empty where the page showed none.
    """
    current = open_rollout(connection, model)
    if rollout_id == ("" if current is None else str(current.id)):
        return
    state = "the rollout on your page has ended"
    if current is not None:
        state = (
            f"{current.kind} {current.id} of version {current.version} is {current.status}, which "
            "your page doesn't show"
        )
    raise WorkflowError(
        f"{state}. Nothing was done; reload the page of the version, and decide again",
        code="changed",
    )


HANDLERS = (promote, roll_back, reject, evaluate)
