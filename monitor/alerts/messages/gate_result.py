"""Slack messages of candidate evaluations: gate result, checks and next steps."""

import shlex
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.rendering.mrkdwn import (
    Block,
    build_message,
    code,
    context,
    escape,
    header,
    link,
    render_text,
    sections,
    within_limits,
)
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    list_candidate_evaluations,
)
from monitor.store.training.candidate_results import CandidateResults
from monitor.stored_words import Words

TITLES = Words(
    {
        "promote": "🟢 Promote: {name}",
        "reject": "🔴 Rejected: {name}",
        "undecided": "⚪ Undecided: {name}",
        "awaiting_ratings": "🔵 Awaiting human evaluation: {name}",
        "failed": "🟠 Not evaluated: {name}",
    },
    lambda word: f"⚪ Unknown result ({word}): {{name}}",
)
MARKS = Words(
    {"failed": "✗", "undecided": "?", "passed": "✓"},
    lambda _: "?",
)

#: Checks in one message; the page has all.
CHECKS_SHOWN = 12

#: Older gate results are not announced.
MAX_AGE = timedelta(days=7)


def announce_gate_results(connection: Connection, model: str, now: datetime, alerts: Alerts) -> int:
    """Write a message for each recent candidate evaluation that has none; return the number.

    A candidate that awaits ratings is announced, and again when it has its gate result.
    """
    ended = list_candidate_evaluations(
        connection, model=model, statuses=("succeeded", "failed"), finished_since=now - MAX_AGE
    )
    waiting = list_candidate_evaluations(connection, model=model, statuses=("awaiting_ratings",))
    return sum(
        add_message(
            connection,
            dedupe_key=f"verdict:{row.id}:{row.status}",
            model=model,
            payload=gate_result_message(row, alerts),
            now=now,
            subject="gate_result",
        )
        for row in reversed([*waiting, *ended])
    )


def gate_result_message(row: CandidateEvaluationRow, alerts: Alerts) -> dict[str, Any]:
    """Return the payload: gate result, checks (failed ones first), next steps and link.

    It has no figures while users rate the responses blind: figures could reveal the systems.
    """
    name = f"{row.model} version {row.version}"
    title = TITLES[row.gate_result or row.status].format(name=name)
    blocks: list[Block] = [header(title)]
    if row.error:
        blocks += sections([escape(row.error)])
    results = row.results
    if row.status == "succeeded" and results is not None:
        blocks += sections(["*Checks*", *_checks(results)])
        blocks += sections([f"⚠ It {escape(str(entry))}" for entry in results.weaker_rules])
    base = alerts.public_url.rstrip("/")
    steps = _next_steps(row, base)
    blocks += sections(["*Next steps*", *steps])
    blocks += sections([link(f"{base}/candidate-evaluations/{row.id}", "All figures")])
    blocks.append(
        context(
            f"Candidate evaluation {row.id} by {escape(row.request['origin'])}, "
            f"{escape(row.file_digest[:19])}; {len(row.dataset_digests or {})} benchmarks"
        )
    )
    plain = render_text(sections(steps)).splitlines()
    summary = " ".join(step.removeprefix("• ") for step in plain)
    return build_message(within_limits(blocks), f"{title}. {summary}")


def _checks(results: CandidateResults) -> list[str]:
    """Return a line for each check, failed ones first."""
    order = {"failed": 0, "passed": 2}
    checks = sorted(results.checks, key=lambda check: order.get(check.outcome, 1))
    lines = [
        f"{MARKS[check.outcome]} {escape(check.name)}: {escape(check.observed, limit=300)}; "
        f"required: {escape(check.required)}"
        for check in checks[:CHECKS_SHOWN]
    ]
    if len(checks) > CHECKS_SHOWN:
        lines.append(f"and {len(checks) - CHECKS_SHOWN} more on the page")
    return lines


def _next_steps(row: CandidateEvaluationRow, base: str) -> list[str]:
    run = row.training_run_id
    if row.status == "awaiting_ratings":
        human_evaluation = link(f"{base}/human-evaluations", "its page")
        return [
            f"• Reviewers rate the responses blind on {human_evaluation}.",
            "• After the last rating, a lead locks the human evaluation; then the result is final.",
        ]
    if row.status == "failed":
        reason = " --reason WHY" if row.stage == "rejected" else ""
        command = f"`driftwarden retrain evaluate {run}{reason}`"
        return [f"• Fix the error above, then evaluate again: {command}"]
    if row.gate_result != "reject" and row.stage != "candidate":
        return [f"• The version is {row.stage}; there is nothing to do."]
    if row.gate_result == "promote":
        command = f"driftwarden models promote {row.version} --model {shlex.quote(row.model)}"
        return [f"• Start a rollout, or: {code(command)}"]
    if row.gate_result == "undecided":
        return [
            "• Add benchmark items where a check is undecided, and evaluate again.",
            f"• Or approve it with a reason: `driftwarden retrain approve {run} --reason WHY`",
        ]
    step = row.results.next_step if row.results else ""
    command = f"`driftwarden retrain evaluate {run} --reason WHY`"
    return [
        f"• {escape(step)}"
        if step
        else "• See the failed checks; the version in production is unchanged.",
        f"• If the rejection is wrong, evaluate again by rules that ask for no less: {command}",
    ]
