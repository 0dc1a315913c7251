"""What a verdict on a candidate says in Slack: the decision, what led to it, and what is next."""

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
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    list_candidate_evaluations,
)
from monitor.store.training.candidate_results import CandidateResults

TITLES = {
    "promote": "🟢 Promote: {name}",
    "reject": "🔴 Rejected: {name}",
    "undecided": "⚪ Undecided: {name}",
    "awaiting_ratings": "🔵 Awaiting human evaluation: {name}",
    "failed": "🟠 Not evaluated: {name}",
}
MARKS = {"failed": "✗", "undecided": "?", "passed": "✓"}

#: Lines of one message; the others are on the page.
CHECKS_SHOWN = 12

#: A verdict older than this is no news.
NEWS_FOR = timedelta(days=7)


def announce_gate_results(connection: Connection, model: str, now: datetime, alerts: Alerts) -> int:
    """Write a message for each recent verdict that has none yet; return how many were written.

    A candidate that waits for people is told of, and again when it has its verdict.
    """
    ended = list_candidate_evaluations(
        connection, model=model, statuses=("succeeded", "failed"), finished_since=now - NEWS_FOR
    )
    waiting = list_candidate_evaluations(connection, model=model, statuses=("awaiting_ratings",))
    return sum(
        add_message(
            connection,
            dedupe_key=f"verdict:{row.id}:{row.status}",
            incident_id=None,
            kind="post",
            payload=gate_result_message(row, alerts),
            now=now,
        )
        for row in reversed([*waiting, *ended])
    )


def gate_result_message(row: CandidateEvaluationRow, alerts: Alerts) -> dict[str, Any]:
    """Return the payload: decision, every check that didn't pass, and where all numbers are.

    While people rate the answers blind, it holds no figures: they may tell the systems apart.
    """
    name = f"{row.model} version {row.version}"
    title = TITLES[row.gate_result or row.status].format(name=name)
    blocks: list[Block] = [header(title)]
    if row.error:
        blocks += sections([escape(row.error)])
    results = row.results
    if row.status == "succeeded" and results is not None:
        blocks += sections(["*What led to it*", *_checks(results)])
    base = alerts.public_url.rstrip("/")
    steps = _next_steps(row, base)
    blocks += sections(["*What to do next*", *steps])
    blocks += sections(
        [link(f"{base}/candidate-evaluations/{row.id}", "The verdict with every number")]
    )
    blocks.append(
        context(
            f"Evaluation {row.id} by {escape(row.request['origin'])}, "
            f"{escape(row.file_digest[:19])}; {len(row.dataset_digests or {})} benchmarks"
        )
    )
    return message(within_limits(blocks), f"{title}. {' '.join(steps)}")


def _checks(results: CandidateResults) -> list[str]:
    """Return a line for each check, those that didn't pass first."""
    order = list(MARKS)
    checks = sorted(results.checks, key=lambda check: order.index(check.outcome))
    lines = [
        f"{MARKS[check.outcome]} {escape(check.name)}: {escape(check.observed, limit=300)}; "
        f"required: {escape(check.required)}"
        for check in checks[:CHECKS_SHOWN]
    ]
    if len(checks) > CHECKS_SHOWN:
        lines.append(f"and {len(checks) - CHECKS_SHOWN} more, on the page")
    return lines


def _next_steps(row: CandidateEvaluationRow, base: str) -> list[str]:
    run = row.training_run_id
    if row.status == "awaiting_ratings":
        human_evaluation = link(f"{base}/human-evaluations", "the study's page")
        return [
            f"• Reviewers rate the answers, blind, on {human_evaluation}.",
            "• Once all are rated, a lead locks the study there: then the verdict is final.",
        ]
    if row.status == "failed":
        return [f"• See what it says, then: driftwarden retrain evaluate {run}"]
    if row.gate_result == "promote":
        return [f"• Roll it out, or: driftwarden models promote {escape(row.model)} {row.version}"]
    if row.gate_result == "undecided":
        return [
            "• Bring more items where a check is undecided, and evaluate it again.",
            f"• Or answer for it: driftwarden retrain approve {run} --reason WHY",
        ]
    step = row.results.next_step if row.results else ""
    return [f"• {escape(step)}"] if step else ["• See the failed checks; nothing is served."]
