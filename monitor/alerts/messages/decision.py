"""What a decision says in Slack: what follows, from which figures, and what is missing."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.messages.incident import message
from monitor.alerts.messages.mrkdwn import (
    Block,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
from monitor.store.review.decisions import DecisionRow, list_decisions
from monitor.store.review.items import BatchRow, batch_by_id

TITLES = {
    "retrain": "🔵 Retrain: {model}",
    "fix_context": "🔵 Retrieval or prompt first: {model}",
    "fix_guidelines": "🟠 Mend the review guide: {model}",
    "keep": "🟢 Keep the model: {model}",
    "undecided": "⚪ No decision yet: {model}",
}

NEXT_STEPS = {
    "retrain": "• A lead confirms the retraining on the decision's page, where that is required.",
    "fix_context": "• Update retrieval or the prompt, and watch the error rate of the next batches.",
    "fix_guidelines": "• See where the reviewers differ, mend the guide there, then review again.",
    "undecided": "• What is missing is said above; the decision is taken again as reviews come in.",
}

ANSWERS = {
    "needs_judgement": "took trained judgement",
    "facts_missing": "facts were missing",
    "yes": "the model had what it needed",
}

KINDS_SHOWN = 6

#: A decision older than this is no news.
NEWS_FOR = timedelta(days=7)

#: So long the experts may take with the control slice before the channel hears that it waits.
PATIENCE = timedelta(days=7)


def announce_decisions(connection: Connection, model: str, now: datetime, alerts: Alerts) -> int:
    """Write a message for each recent decision that has none yet; return how many were written.

    A decision that waits for something is told once for each thing it waits for.
    """
    written = 0
    for decision in list_decisions(connection, model):
        if now - decision.decided_at > NEWS_FOR:
            continue
        batch = batch_by_id(connection, decision.batch_id)
        missing = decision.inputs.get("missing", "")
        if missing == "control" and now - batch.created_at < PATIENCE:
            continue
        key = f"decision:{decision.id}:{decision.recommendation}"
        written += add_message(
            connection,
            dedupe_key=f"{key}:{missing}" if missing else key,
            incident_id=None,
            kind="post",
            payload=decision_message(decision, batch, alerts),
            now=now,
        )
    return written


def decision_message(decision: DecisionRow, batch: BatchRow, alerts: Alerts) -> dict[str, Any]:
    """Return the payload: recommendation, reasons, figures, kinds of error, and links."""
    inputs = decision.inputs
    title = TITLES[decision.recommendation].format(model=decision.model)
    blocks: list[Block] = [header(title)]
    blocks += sections([escape(reason) for reason in inputs["reasons"]])
    blocks += sections(["*The figures*", *_figures(inputs)])
    errors = [*_kinds(inputs), *_answers(inputs)]
    if errors:
        blocks += sections(["*What is wrong*", *errors])
    if decision.recommendation in NEXT_STEPS:
        blocks += sections(["*What to do next*", NEXT_STEPS[decision.recommendation]])
    base = alerts.public_url.rstrip("/")
    blocks += sections(
        [link(f"{base}/decisions/{decision.id}", "The decision with its arithmetic")]
    )
    blocks.append(
        context(
            f"Window {batch.window_start:%Y-%m-%d} to {batch.window_end:%Y-%m-%d} UTC, with the "
            "control slices of "
            f"{len(inputs['batches'])} {'batch' if len(inputs['batches']) == 1 else 'batches'}"
        )
    )
    return message(within_limits(blocks), f"{title}. {' '.join(inputs['reasons'])}")


def _figures(inputs: dict[str, Any]) -> list[str]:
    control, baseline = inputs["control"], inputs["baseline"]
    lines = []
    if inputs["rate"]:
        lines.append(
            f"• Error rate, control slice: {_rate(inputs['rate'])}, {control['errors']} of "
            f"{control['n']}"
        )
    if inputs["traffic"]:
        lines.append(f"• Error rate, all slices weighted: {_rate(inputs['traffic'])}")
    lines.append(
        f"• At launch: {_rate(baseline)}, n = {baseline['n']:g} ({escape(baseline['from'])})"
    )
    if inputs["rise"]:
        lines.append(
            f"• Rise: {100 * inputs['rise']['difference']:+.1f} points; at least "
            f"{100 * inputs['rise']['bound']:+.1f} with {inputs['confidence']:.0%} confidence"
        )
    agreement = inputs["agreement"]
    if agreement["alpha"] is not None:
        lines.append(
            f"• Agreement: alpha {agreement['alpha']:.2f} (at least {agreement['minimum']:g} is "
            f"needed), raw {agreement['raw']:.0%}"
        )
    lines.append(
        f"• Gold on drifted topics: {inputs['drifted_gold']} (training needs "
        f"{inputs['min_drifted_gold']})"
    )
    return lines


def _kinds(inputs: dict[str, Any]) -> list[str]:
    shown = list(inputs["kinds"].items())[:KINDS_SHOWN]
    return [
        f"• {escape(kind) or 'no kind agreed'}: {_rate(one)} of the errors, "
        f"{one['n_wrong']} reviewed"
        for kind, one in shown
    ]


def _answers(inputs: dict[str, Any]) -> list[str]:
    shares = inputs["error_causes"]["shares"]
    return [
        f"• {words}: {_rate(shares[answer])} of the errors"
        for answer, words in ANSWERS.items()
        if answer in shares
    ]


def _rate(one: dict[str, Any]) -> str:
    return f"{one['rate']:.1%} ({one['lower']:.1%} to {one['upper']:.1%})"
