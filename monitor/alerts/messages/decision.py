"""Slack messages of retraining decisions: recommendation, figures, and missing reviews."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.rendering.buttons import action_block, retraining_button
from monitor.rendering.excerpts import name_version
from monitor.rendering.mrkdwn import (
    Block,
    build_message,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
from monitor.store.review.decision_states import decision_states
from monitor.store.review.decisions import DecisionRow, list_decisions
from monitor.store.review.items import BatchRow, batch_by_id
from monitor.stored_words import Words

TITLES = Words(
    {
        "retrain": "🔵 Retrain: {model}",
        "fix_context": "🔵 Retrieval or prompt first: {model}",
        "fix_guidelines": "🟠 Fix the guidelines: {model}",
        "keep": "🟢 Keep the model: {model}",
        "undecided": "⚪ No decision yet: {model}",
    },
    lambda word: f"⚪ Unknown decision ({word}): {{model}}",
)

NEXT_STEPS = {
    "retrain": "• Where required, a lead confirms the retraining on the page of the decision.",
    "fix_context": "• Update retrieval or the prompt; then watch the error rate of new batches.",
    "fix_guidelines": "• See where reviewers disagree, fix the guidelines, then review again.",
    "undecided": "• The decision is updated as the missing reviews come in.",
}

ERROR_CAUSES = {
    "needs_judgement": "need trained judgement",
    "facts_missing": "facts were missing",
    "yes": "the model had all it needed",
}

KINDS_SHOWN = 6

#: Older decisions are not announced.
MAX_AGE = timedelta(days=7)

#: Time for the reviews of the control slice before their lack is announced.
CONTROL_SLICE_GRACE = timedelta(days=7)


def announce_decisions(
    connection: Connection,
    model: str,
    now: datetime,
    alerts: Alerts,
    *,
    needs_lead: bool = False,
) -> int:
    """Write a message for each recent decision that has none yet; return the number written.

    A decision that waits is announced once for each thing that it waits for; one that is closed or
    superseded is not. With ``needs_lead`` a
    retraining waits until a lead confirms it.
    """
    written = 0
    states = decision_states(connection, model)
    for decision in list_decisions(connection, model):
        if not states[decision.id].is_open or now - decision.decided_at > MAX_AGE:
            continue
        batch = batch_by_id(connection, decision.batch_id)
        missing = decision.inputs.get("missing", "")
        if missing == "control" and now - batch.created_at < CONTROL_SLICE_GRACE:
            continue
        written += add_message(
            connection,
            dedupe_key=decision_key(decision),
            model=decision.model,
            payload=decision_message(decision, batch, alerts, needs_lead=needs_lead),
            now=now,
            subject="decision",
        )
    return written


def decision_key(decision: DecisionRow) -> str:
    """Return the key of the message about a decision as it is."""
    missing = decision.inputs.get("missing", "")
    return ":".join(filter(None, ("decision", str(decision.id), decision.recommendation, missing)))


def decision_message(
    decision: DecisionRow, batch: BatchRow, alerts: Alerts, *, needs_lead: bool = False
) -> dict[str, Any]:
    """Return the payload: recommendation, reasons, figures, kinds and causes of error, links.

    It has a button to confirm a retraining that waits for a lead.
    """
    inputs = decision.inputs
    title = TITLES[decision.recommendation].format(model=decision.model)
    blocks: list[Block] = [header(title)]
    blocks += sections([escape(reason) for reason in inputs["reasons"]])
    of_version = escape(name_version(decision.version))
    blocks += sections([f"*Figures of {of_version}*", *_figures(inputs)])
    errors = [*_kinds(inputs), *_causes(inputs)]
    if errors:
        blocks += sections(["*Errors*", *errors])
    if decision.recommendation in NEXT_STEPS:
        blocks += sections(["*Next steps*", NEXT_STEPS[decision.recommendation]])
    base = alerts.public_url.rstrip("/")
    blocks += sections([link(f"{base}/decisions/{decision.id}", "Decision and calculation")])
    blocks.append(
        context(
            f"Window {batch.window_start:%Y-%m-%d} to {batch.window_end:%Y-%m-%d} UTC, with the "
            "control slices of "
            f"{len(inputs['batches'])} {'batch' if len(inputs['batches']) == 1 else 'batches'}"
        )
    )
    if needs_lead and decision.recommendation == "retrain" and not decision.confirmed_by:
        blocks.append(action_block([retraining_button(decision.id)]))
    return build_message(within_limits(blocks), f"{title}. {' '.join(inputs['reasons'])}")


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
            f"• Change since launch: {100 * inputs['rise']['difference']:+.1f} points (at least "
            f"{100 * inputs['rise']['bound']:+.1f}, {inputs['confidence']:.0%} confidence)"
        )
    agreement = inputs["agreement"]
    if agreement["alpha"] is not None:
        lines.append(
            f"• Agreement: alpha {agreement['alpha']:.2f} (required: "
            f"{agreement['minimum']:g}), raw {agreement['raw']:.0%}"
        )
    lines.append(
        f"• Gold on drifted topics: {inputs['drifted_gold']} (retraining needs "
        f"{inputs['min_drifted_gold']})"
    )
    return lines


def _kinds(inputs: dict[str, Any]) -> list[str]:
    return [
        f"• {escape(kind) or 'no agreed kind'}: {_rate(estimate)} of the errors, "
        f"{estimate['n_wrong']} reviewed"
        for kind, estimate in list(inputs["kinds"].items())[:KINDS_SHOWN]
    ]


def _causes(inputs: dict[str, Any]) -> list[str]:
    shares = inputs["error_causes"]["shares"]
    return [
        f"• {words}: {_rate(shares[cause])} of the errors"
        for cause, words in ERROR_CAUSES.items()
        if cause in shares
    ]


def _rate(estimate: dict[str, Any]) -> str:
    return f"{estimate['rate']:.1%} ({estimate['lower']:.1%} to {estimate['upper']:.1%})"
