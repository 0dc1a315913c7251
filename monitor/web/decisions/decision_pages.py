"""Pages of the retraining decisions, with their arithmetic."""

from typing import Any

from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from monitor.review.decision.decisions import confirm_retraining, is_plannable
from monitor.review.decision.explanation import explain
from monitor.store.review.decision_states import OUTCOMES, decision_state, decision_states
from monitor.store.review.decisions import decision_by_id, list_decisions
from monitor.store.review.items import batch_by_id
from monitor.store.review.reviews import GoldRow, gold_of_batches
from monitor.store.training.plan_requests import open_plan_of, runs_of_decision
from monitor.store.training.runs import run_of_decision
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.store.windows.repetitions import repetitions_of
from monitor.stored_words import labels
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import form, get
from monitor.web.review.review_pages import ERROR_KINDS
from retrain.planning.preview import plan_status, stored_preview

ANSWERABLE = labels(
    {
        "needs_judgement": "No, it needs trained judgement",
        "facts_missing": "No, facts were missing",
        "yes": "Yes, the model had what it needed",
    }
)

#: Wrong responses quoted for each kind of error.
EXAMPLES_SHOWN = 3
#: Length of a quote.
QUOTED_CHARACTERS = 400


@get("/decisions", opt=LEADS)
def decisions(lead_visit: NamedDependency[Visit]) -> Template:
    """List the decisions, newest first."""
    with lead_visit.transaction() as connection:
        states = decision_states(connection, lead_visit.scope)
        rows = [
            (row, batch_by_id(connection, row.batch_id), states[row.id])
            for row in list_decisions(connection, lead_visit.scope)
        ]
    return lead_visit.page("decisions.html", {"decisions": rows, "outcomes": OUTCOMES})


@get("/decisions/{decision_id:int}", opt=LEADS | texts("decision"))
def decision(decision_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show a decision with its arithmetic."""
    with lead_visit.transaction() as connection:
        row = decision_by_id(connection, decision_id)
        state = decision_state(connection, decision_id, row.model)
        batch = batch_by_id(connection, row.batch_id)
        gold = gold_of_batches(connection, row.inputs["batches"])
        run, can_plan = run_of_decision(connection, decision_id), is_plannable(connection, row)
        runs = runs_of_decision(connection, decision_id)
        plan = open_plan_of(connection, row.model, decision_id)
        evaluation = drift_evaluation_by_id(connection, batch.evaluation_id)
        # A repeated evaluation numbers its topics anew.
        repetitions = repetitions_of(connection, evaluation.id)
        assessment = None if repetitions else evaluation.assessment
    inputs = row.inputs
    preview = stored_preview(plan.plan) if plan else None
    context: dict[str, Any] = {
        "row": row,
        "state": state,
        "run": run,
        "runs": runs,
        "can_plan": can_plan and run is None,
        "plan": plan,
        "plan_refusal": preview.refusal if preview else "",
        "plan_status": plan_status(plan) if plan else "",
        "batch": batch,
        "inputs": inputs,
        "steps": explain(row.recommendation, inputs),
        "axis_end": _axis(inputs),
        "examples": _examples(gold),
        "topics": _topic_names(assessment),
        "repetitions": repetitions,
        "verdict": evaluation.verdict,
        "outcomes": OUTCOMES,
        "answerable": ANSWERABLE,
        "error_kinds": ERROR_KINDS,
        "require_confirmation": lead_visit.settings.settings_of(
            row.model
        ).retrain.require_confirmation,
    }
    return lead_visit.page("decision.html", context)


@form("/decisions/{decision_id:int}/confirm", opt=LEADS)
def confirm(decision_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Confirm a recommended retraining."""
    with lead_visit.transaction() as connection:
        confirm_retraining(connection, decision_id, lead_visit.user, lead_visit.now)
    return Redirect(f"/decisions/{decision_id}", status_code=303)


def _axis(inputs: dict[str, Any]) -> float:
    """Return the end of the axis of error rates."""
    rates = [inputs["rate"], inputs["traffic"], inputs["baseline"], *inputs["by_cluster"]]
    rates += inputs["by_task_type"].values()
    highest = max(rate["upper"] for rate in rates if rate)
    return float(min(1.0, max(0.1, 1.05 * highest)))


def _topic_names(assessment: Assessment | None) -> dict[int, str]:
    """Return the names of the drifted topics; they quote traffic, so decisions don't store them."""
    if assessment is None:
        return {}
    topics = (*assessment.input.topics, *assessment.output.topics)
    return {topic.index: topic.name for topic in topics}


def _examples(gold: list[GoldRow]) -> dict[str, list[dict[str, str]]]:
    """Return some wrong responses for each kind of error, newest first."""
    examples: dict[str, list[dict[str, str]]] = {}
    for row in sorted(gold, key=lambda item: item.decided_at, reverse=True):
        same_kind = examples.setdefault(row.error_kind, [])
        if row.verdict == "accept" or len(same_kind) >= EXAMPLES_SHOWN:
            continue
        prompt = next((turn for turn in reversed(row.messages) if turn["role"] == "user"), None)
        same_kind.append(
            {
                "prompt": _quote(prompt["content"] if prompt else ""),
                "gold": _quote(row.response),
                "answerable": ANSWERABLE.get(row.answerable, "The reviewers differ"),
                "task_type": row.task_type,
            }
        )
    return examples


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTED_CHARACTERS else line[: QUOTED_CHARACTERS - 1] + "…"


HANDLERS = (decisions, decision, confirm)
