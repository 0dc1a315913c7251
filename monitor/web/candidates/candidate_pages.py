"""Pages of the candidate evaluations: checks, figures of the systems, responses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.review.guidelines.versions import task_types_in_force
from monitor.store.human_evaluation.human_evaluations import (
    is_under_human_evaluation,
    items_under_human_evaluation,
)
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    candidate_evaluation_by_id,
    list_candidate_evaluations,
)
from monitor.store.training.candidate_results import SYSTEM_NAMES
from monitor.store.training.registry import version_by_id
from monitor.stored_words import labels
from monitor.web.access.audience import LEADS, texts
from monitor.web.candidates.evaluation_view import benchmark_figures, response_pairs
from monitor.web.current_user import Visit
from monitor.web.forms.reason import MAX_CHARACTERS, require_reason
from monitor.web.handlers import form, get
from retrain.evaluation.gate_result import approve
from retrain.evaluation.lifecycle import plan_evaluation
from retrain.evaluation.report import trivial_rows
from retrain.evaluation.request import request_for
from retrain.registry.four_eyes import deeds_of

_TEXTS = texts("candidate_evaluation")

OUTCOMES = labels(
    {
        "promote": "Promote",
        "reject": "Rejected",
        "undecided": "Undecided",
        "planned": "Waiting for evaluation",
        "running": "Evaluation running",
        "awaiting_ratings": "Awaiting human evaluation",
        "failed": "Evaluation failed",
        "cancelled": "Evaluation cancelled",
    }
)
#: Fields of the forms that plan an evaluation.
REASONS = ("reason", "weaker_because", "move_because")
NAMES = {system: name.capitalize() for system, name in SYSTEM_NAMES.items()}


@get("/candidate-evaluations", opt=LEADS)
def candidate_evaluations(lead_visit: NamedDependency[Visit]) -> Template:
    """List the candidate evaluations, newest first."""
    with lead_visit.transaction() as connection:
        rows = list_candidate_evaluations(connection, model=lead_visit.scope)
    return lead_visit.page("candidate_evaluations.html", {"rows": rows, "outcomes": OUTCOMES})


@get("/candidate-evaluations/{candidate_evaluation_id:int}", opt=LEADS | _TEXTS)
def candidate_evaluation(
    candidate_evaluation_id: FromPath[int], lead_visit: NamedDependency[Visit]
) -> Template:
    """Show a candidate evaluation; during its human evaluation, without figures."""
    with lead_visit.transaction() as connection:
        row = candidate_evaluation_by_id(connection, candidate_evaluation_id)
        blind = _is_blind(connection, row)
        version = version_by_id(connection, row.version_id)
        by = row.approved_by or lead_visit.user.name
        context: dict[str, Any] = {
            "deeds": deeds_of(connection, version, by),
            "approval": lead_visit.settings.settings_of(row.model).retrain.approval,
        }
    context |= {
        "row": row,
        "blind": blind,
        "x": None if blind else row.results,
        "outcomes": OUTCOMES,
        "names": NAMES,
    }
    if row.results is not None and not blind:
        context |= {
            "systems": row.results.systems,
            "benchmarks": benchmark_figures(row.results),
            "trivial": trivial_rows(row.results.trivial_scores, row.results),
        }
    return lead_visit.page("candidate_evaluation.html", context)


@form("/candidate-evaluations/{candidate_evaluation_id:int}/repeat", opt=LEADS)
def repeat(
    candidate_evaluation_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, str]],
) -> Redirect:
    """Evaluate a rejected version again, with a reason and the configured evaluation file."""
    with lead_visit.transaction() as connection:
        row = candidate_evaluation_by_id(connection, candidate_evaluation_id)
        return plan_configured_evaluation(connection, lead_visit, row.version_id, data)


def plan_configured_evaluation(
    connection: Connection, visit: Visit, version_id: int, reasons: Mapping[str, str]
) -> Redirect:
    """Plan the evaluation of a version by the configured file; return the way to its page.

    The form's reasons are those of :func:`retrain.evaluation.request.request_for`.

    Raises:
        WorkflowError: No file is configured, or the version can't be evaluated now.
    """
    version = version_by_id(connection, version_id)
    settings = visit.settings.settings_of(version.model)
    if not settings.retrain.evaluation:
        raise WorkflowError("no evaluation file is configured; set retrain.evaluation")
    request = request_for(
        connection,
        version,
        settings,
        Path(settings.retrain.evaluation),
        task_types=task_types_in_force(connection, settings.review, version.model),
        **{name: reasons.get(name, "").strip()[:MAX_CHARACTERS] for name in REASONS},
    )
    planned = plan_evaluation(connection, version, request, by=visit.user.name, now=visit.now)
    return Redirect(f"/candidate-evaluations/{planned}", status_code=303)


@form("/candidate-evaluations/{candidate_evaluation_id:int}/approve", opt=LEADS)
def approve_candidate(
    request: Request[Any, Any, Any],
    candidate_evaluation_id: FromPath[int],
    lead_visit: NamedDependency[Visit],
    data: URLEncodedBody[dict[str, Any]],
) -> Redirect:
    """Approve an undecided candidate, with a reason."""
    reason = require_reason(request, data)
    with lead_visit.transaction() as connection:
        row = candidate_evaluation_by_id(connection, candidate_evaluation_id)
        approve(
            connection,
            candidate_evaluation_id,
            by=lead_visit.user.name,
            reason=reason,
            now=lead_visit.now,
            approval=lead_visit.settings.settings_of(row.model).retrain.approval,
        )
    return Redirect(f"/candidate-evaluations/{candidate_evaluation_id}", status_code=303)


@get("/candidate-evaluations/{candidate_evaluation_id:int}/responses", opt=LEADS | _TEXTS)
def responses(
    candidate_evaluation_id: FromPath[int],
    request: Request[Any, Any, Any],
    lead_visit: NamedDependency[Visit],
) -> Template | Redirect:
    """Show the items on which a metric differs between the candidate and another system.

    An address that doesn't name all three leads to the evaluation, whose page links to them.
    """
    query = {name: request.query_params.get(name, "") for name in ("benchmark", "metric", "other")}
    show = "better" if request.query_params.get("show") == "better" else "worse"
    with lead_visit.transaction() as connection:
        row = candidate_evaluation_by_id(connection, candidate_evaluation_id)
        blind = _is_blind(connection, row)
        withheld = items_under_human_evaluation(connection, row.model)
    if not all(query.values()):
        return Redirect(f"/candidate-evaluations/{candidate_evaluation_id}", status_code=303)
    pairs = (
        None if blind else response_pairs(row, **query, worse=show == "worse", withheld=withheld)
    )
    context = {
        "row": row,
        "pairs": pairs,
        **query,
        "show": show,
        "names": NAMES,
    }
    return lead_visit.page("response_pairs.html", context)


def _is_blind(connection: Connection, row: CandidateEvaluationRow) -> bool:
    """Return whether figures or responses could unblind an open human evaluation."""
    return row.status == "awaiting_ratings" or is_under_human_evaluation(connection, row.version_id)


HANDLERS = (candidate_evaluations, candidate_evaluation, repeat, approve_candidate, responses)
