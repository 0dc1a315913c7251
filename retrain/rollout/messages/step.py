"""Slack messages of rollouts: a step, where the rollout stands, and what happens next."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.rendering.buttons import action_block
from monitor.rendering.commands import rollout_command
from monitor.rendering.mrkdwn import (
    Block,
    bold,
    build_message,
    code,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.rendering.numbers import format_instant, join_names
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message, has_message
from monitor.stored_words import Words, name_unknown
from retrain.rollout.messages.buttons import rollout_buttons
from retrain.rollout.plan import RolloutPlan
from retrain.rollout.rows.events import RolloutEventRow
from retrain.rollout.rows.situations import RolloutSituation
from retrain.rollout.wording.checks import describe_check, result_of, sort_checks
from retrain.rollout.wording.summary import RolloutSummary, summarize_rollout

#: Older steps are not announced.
MAX_AGE = timedelta(days=1)
#: Checks and missing parts in one message; the page has all.
CHECKS_SHOWN = 5
#: Results of checks whose figures a message has.
PRESSING = ("worse", "missing", "open")

#: Steps that are announced -> mark and words of the title. The gateway's confirmation is no news;
#: what asks a lead is an incident.
TITLES = Words(
    {
        "started": ("🔵", "started at {percent}%"),
        "advanced": ("🔵", "advanced to {percent}%"),
        "took_over": ("🔵", "has {percent}%, with a holdback"),
        "held": ("🟠", "held at {percent}%"),
        "continued": ("🔵", "goes on at {percent}%"),
        "paused": ("🟠", "paused at {percent}%"),
        "resumed": ("🔵", "resumed at {percent}%"),
        "completed": ("🟢", "completed"),
        "reverted": ("🔴", "reverted"),
    },
    lambda word: ("🟠", name_unknown(word)),
)


def announce_step(
    connection: Connection,
    event: RolloutEventRow,
    situation: RolloutSituation,
    plan: RolloutPlan | None,
    alerts: Alerts,
) -> bool:
    """Write the message of a step of a rollout, unless it has one; return whether it was written.

    Only the newest step has buttons: those of an earlier one would be outdated.
    """
    key = message_key(event)
    if event.event not in TITLES or has_message(connection, key):
        return False
    payload = rollout_message(event, situation, plan, alerts)
    last = situation.last(*TITLES)
    buttons = rollout_buttons(connection, situation.rollout)
    if buttons and last is not None and last.id == event.id:
        payload["blocks"] = within_limits([*payload["blocks"], action_block(buttons)])
    return add_message(
        connection,
        dedupe_key=key,
        model=situation.rollout.model,
        incident_id=None,
        kind="post",
        payload=payload,
        now=situation.now,
        subject="rollout",
    )


def message_key(event: RolloutEventRow) -> str:
    """Return the key of a step's message."""
    return f"rollout:{event.rollout_id}:{event.id}"


def rollout_message(
    event: RolloutEventRow, situation: RolloutSituation, plan: RolloutPlan | None, alerts: Alerts
) -> dict[str, Any]:
    """Return the payload: the step and who took it, where the rollout stands, what is missing.

    It quotes no text of the traffic.
    """
    rollout = situation.rollout
    summary = summarize_rollout(situation, plan)
    mark, words = TITLES[event.event]
    subject = f"{rollout.kind.capitalize()} of {rollout.model} version {rollout.version}"
    title = f"{mark} {subject} {words.format(percent=event.weight_percent)}"
    blocks: list[Block] = [header(title)]
    blocks += sections(
        [f"{bold(summary.state)} {escape(summary.next)}", *map(escape, summary.warnings)]
    )
    # That of a hold is what is missing, which follows with newer figures.
    is_listed = event.event == "held" and rollout.status == "holding"
    if not is_listed and event.reason.rstrip(".") not in summary.state:
        blocks += sections([escape(f"Reason: {event.reason}")])
    blocks += _missing(summary, situation)
    blocks += _checks(situation)
    page = f"{alerts.public_url.rstrip('/')}/rollouts/{rollout.id}"
    blocks += sections([link(page, "The page has each check over time")])
    command = code(rollout_command("status", rollout.model))
    when = f"{event.event.replace('_', ' ')} by {event.by} {format_instant(event.at)}"
    blocks.append(context(f"{escape(f'Rollout {rollout.id}, {when}')}  ·  {command}"))
    return build_message(within_limits(blocks), f"{title}. {summary.sentence}")


def _missing(summary: RolloutSummary, situation: RolloutSituation) -> list[Block]:
    """Return what keeps the rollout from its next stage, besides its checks."""
    checks = () if situation.look is None else situation.look.checks
    names = tuple(f"{check.name}:" for check in checks)
    lines = [line for line in summary.missing if not line.startswith(names)]
    return sections(["*Missing for the next stage*", *_bullets(lines)]) if lines else []


def _checks(situation: RolloutSituation) -> list[Block]:
    """Return the checks of the newest look that are not shown, with their figures."""
    look = situation.look
    if look is None or not look.checks:
        return []
    pressing = PRESSING if situation.is_waited else ("worse",)
    checks = [check for check in sort_checks(look.checks) if result_of(check) in pressing]
    seen = "" if look.seen_share is None else f", {look.seen_share:.1%} of the traffic seen"
    samples = f"{look.n_canary:,} and {pluralize(look.n_stable, 'sample')}"
    lines = [f"*Checks* after the hour from {format_instant(look.hour)}: {samples}{seen}"]
    lines += _bullets([f"{check.name}: {describe_check(check)}" for check in checks])
    watched = {"watched", *PRESSING}.difference(pressing)
    for results, label in (({"shown"}, "Not worse"), (watched, "Watched, not shown to be worse")):
        names = [check.name for check in look.checks if result_of(check) in results]
        if names:
            lines.append(f"• {label}: {escape(join_names(names))}")
    return sections(lines)


def _bullets(lines: Sequence[str]) -> list[str]:
    listed = [f"• {escape(line)}" for line in lines[:CHECKS_SHOWN]]
    if len(lines) > CHECKS_SHOWN:
        listed.append(f"• and {len(lines) - CHECKS_SHOWN} more on the page")
    return listed
