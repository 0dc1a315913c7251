"""The pages of the decisions: what follows from the reviews, with all of its arithmetic."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from sqlalchemy import Engine

from monitor.review.decision.explanation import explain
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.store.review.decisions import decision_by_id, list_decisions
from monitor.store.review.items import batch_by_id
from monitor.store.review.reviews import GoldRow, gold_of_batches
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.web.review.review_pages import ERROR_KINDS

OUTCOMES = {
    "retrain": "Retrain",
    "fix_context": "Retrieval or prompt first",
    "fix_guidelines": "Mend the guide first",
    "keep": "Keep the model",
    "undecided": "No decision yet",
}
ANSWERS = {
    "needs_judgement": "No, it takes trained judgement",
    "facts_missing": "No, facts were missing",
    "yes": "Yes, the model had what it needed",
}

#: Wrong responses quoted of each kind of error.
EXAMPLES_SHOWN = 3
#: What is quoted of each text.
QUOTED_CHARACTERS = 400


@get("/decisions", sync_to_thread=True)
def decisions(
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
) -> Template:
    """List the decisions, the newest first."""
    with transaction(engine) as connection:
        rows = [(row, batch_by_id(connection, row.batch_id)) for row in list_decisions(connection)]
    context = {"user": lead, "decisions": rows, "outcomes": OUTCOMES}
    return Template("decisions.html", context=context)


@get("/decisions/{decision_id:int}", sync_to_thread=True)
def decision(
    decision_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
) -> Template:
    """Show a decision in full."""
    with transaction(engine) as connection:
        row = decision_by_id(connection, decision_id)
        batch = batch_by_id(connection, row.batch_id)
        gold = gold_of_batches(connection, row.inputs["batches"])
        assessment = drift_evaluation_by_id(connection, batch.evaluation_id).assessment
    inputs = row.inputs
    context: dict[str, Any] = {
        "user": lead,
        "row": row,
        "batch": batch,
        "x": inputs,
        "steps": explain(row.recommendation, inputs),
        "top": _axis(inputs),
        "examples": _examples(gold),
        "topics": _topic_names(assessment),
        "outcomes": OUTCOMES,
        "answers": ANSWERS,
        "error_kinds": ERROR_KINDS,
        "require_confirmation": settings.retrain.require_confirmation,
    }
    return Template("decision.html", context=context)


def _axis(inputs: dict[str, Any]) -> float:
    """Return the rate at which the axis of error rates ends."""
    shown = [inputs["rate"], inputs["traffic"], inputs["baseline"], *inputs["by_cluster"]]
    shown += inputs["by_task_type"].values()
    highest = max(one["upper"] for one in shown if one)
    return float(min(1.0, max(0.1, 1.05 * highest)))


def _topic_names(assessment: Assessment | None) -> dict[int, str]:
    """Return the drifted topics' names, which aren't kept with the decision: they quote people."""
    if assessment is None:
        return {}
    topics = (*assessment.input.topics, *assessment.output.topics)
    return {topic.index: topic.name for topic in topics}


def _examples(gold: list[GoldRow]) -> dict[str, list[dict[str, str]]]:
    """Return some wrong responses of each kind, the newest first."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in sorted(gold, key=lambda one: one.decided_at, reverse=True):
        own = found.setdefault(row.error_kind, [])
        if row.verdict == "accept" or len(own) >= EXAMPLES_SHOWN:
            continue
        asked = next((turn for turn in reversed(row.messages) if turn["role"] == "user"), None)
        own.append(
            {
                "asked": _quote(asked["content"] if asked else ""),
                "right": _quote(row.response),
                "answer": ANSWERS.get(row.answerable, "the reviewers answered differently"),
                "task_type": row.task_type,
            }
        )
    return found


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTED_CHARACTERS else line[: QUOTED_CHARACTERS - 1] + "…"


HANDLERS = (decisions, decision)
