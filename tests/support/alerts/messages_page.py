"""Reference page of incidents' messages: drift and one condition in each state, other causes."""

import html
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from structlog.testing import capture_logs

from monitor.alerts.causes import CAUSES, Cause
from monitor.alerts.messages.text import MAX_WORDS
from monitor.rendering.late_exchanges import again_command
from monitor.rendering.mrkdwn import render_text
from tests.support.alerts.incident_world import (
    DAY,
    HOUR,
    MONDAY,
    WEEK,
    IncidentWorld,
    make_finding,
    make_prompts_finding,
)
from tests.support.windows.assessment_cases import CASES, with_findings
from tests.support.windows.assessments import make_assessment, not_enough_data

MINUTE = timedelta(minutes=1)
TUESDAY = MONDAY + DAY + 16 * HOUR
BOTH = with_findings(CASES["input_drift"]())
PROMPTS = with_findings(make_assessment(0.12))
MORE_PROMPTS = with_findings(make_assessment(0.31))
QUIET = with_findings(make_assessment())

#: What the conditions say; others say "What is wrong.".
EXAMPLES = {
    "evaluation_failed": "The window from 26 Oct could not be evaluated (evaluation 12): the "
    "encoder needs 9.1 GB of memory, 4.0 GB are free.",
    "evaluation_overdue": "The window from 26 Oct ended 2 Nov 2026, 00:00 UTC and is not evaluated"
    "; the newest is that from 19 Oct.",
    "no_traffic": "No record for 24 hours; each of the seven days before had some. Everything else "
    "was read until 3 Nov 2026, 15:00 UTC.",
    "consumer_stalled": "Nothing was read of partitions 0, 3 since 3 Nov 2026, 14:40 UTC.",
    "records_lost": "2,310 records of partition 1 no longer existed when read.",
    "messages_undelivered": "The channel slack has taken no message since 3 Nov 2026, 14:40 UTC: "
    "Slack refuses all messages: invalid_auth; check SLACK_BOT_TOKEN.",
    "signal_missing": "No longer sent: metric “resolved”, usually on 92% of exchanges, last 2 Nov "
    "2026, 15:00 UTC. It cannot alarm. Sent more rarely: field “user”, usually on 80% of "
    "exchanges, 11% in 24 hours. Each exchange counts as a new user's.",
    "looks_overdue": "Looks for a large change are hourly, and the last one ended 3 Nov 2026, "
    "11:00 UTC. The newest failed.",
    "backup_overdue": "The last `driftwarden db backup` was 31 Oct 2026, 02:00 UTC; before, there "
    "was one about every 24 hours.",
    "search_index_overdue": "Exchanges received since 3 Nov 2026, 13:00 UTC are not indexed: a "
    "search doesn't find them.",
    "late_records": "26 Oct to 1 Nov 2026: 212 exchanges of this week arrived after its evaluation "
    "of 2 Nov 2026, 00:30 UTC (3.4% of it); its result does not count them.",
    "dead_letters": "2,400 of 5,800 sampled records (41%) could not be read since 3 Nov 2026, "
    "14:00 UTC: 1,700 not_json, 700 wrong_time; usually almost none. They are of assistant.",
    "training_failed": "Training run 4 failed: CUDA out of memory.",
    "decision_overdue": "Decision 3 of 30 Oct 2026, 09:00 UTC recommends to retrain, and no lead "
    "has confirmed it.",
    "queue_not_worked": "31 open review items, untouched since 31 Oct 2026, 16:10 UTC.",
    "rollout_reverted": "Version 7 was reverted at 25% 3 Nov 2026, 15:00 UTC: errors 9% against "
    "1%. The gateway has confirmed version 6 at 100%. Version 7 is a candidate again.",
    "rollout_holding": "Version 7 has held at 5% of the traffic since 3 Nov 2026, 04:00 UTC: "
    "errors: no measurement yet. It stays there until a lead advances or reverts it, or nothing "
    "is missing any more.",
    "rollout_not_applied": "The gateway has not confirmed version 7 at 5%: connection refused. It "
    "is tried again every 5 seconds; until then the weights of before may be in force.",
    "rollout_shares_differ": "Version 7 at 25%: 11% of 4,210 exchanges name it. The rollout holds.",
    "weights_changed": "The files of version 6, which serves, differ from their record: "
    "adapter_model.safetensors changed.",
    "served_model_changed": "The live endpoint no longer responds as version 6: since 3 Nov 2026, "
    "15:00 UTC its responses changed by 38 points, threshold 12, and no promotion or rollback is "
    "recorded since.",
    "promotion_not_served": "Version 7 should respond since 2 Nov 2026, 15:00 UTC, and the "
    "responses of the live endpoint are still those of version 6.",
    "probes_unanswered": "The live endpoint did not respond to probes after 3 attempts; the last "
    "responses are of 3 Nov 2026, 12:00 UTC. Last error: HTTP 503",
}
#: What they know beside their texts: when they began, and the command of the next step.
FACTS: dict[str, dict[str, Any]] = {
    "consumer_stalled": {"since": TUESDAY - 80 * MINUTE},
    "dead_letters": {"since": TUESDAY - 2 * HOUR},
    "late_records": {"command": again_command("assistant", (MONDAY - WEEK, MONDAY))},
    "messages_undelivered": {"since": TUESDAY - 80 * MINUTE},
    "promotion_not_served": {"since": TUESDAY - 25 * HOUR},
    "queue_not_worked": {"since": TUESDAY - 3 * DAY + 10 * MINUTE},
    "rollout_holding": {"since": TUESDAY - 12 * HOUR},
    "rollout_not_applied": {"since": TUESDAY - 2 * MINUTE},
    "rollout_reverted": {"since": TUESDAY - HOUR},
    "served_model_changed": {"since": TUESDAY - HOUR},
    "signal_missing": {"since": TUESDAY - 25 * HOUR},
}


INTRODUCTION = f"""\
The message of an incident says in at most {MAX_WORDS} words whether users notice it, what hurts
most now, since when, what changed, who has it, and one next step. Slack's notification, PagerDuty's
summary, the subject of a mail and Alertmanager's `summary` begin with the same text. Below are
drift and one other cause in each state, and each further [cause](../runbooks/README.md) once; they
have the same states. A look's incident that a window worsened, in Slack:"""

#: The condition that the page has in each state.
IN_EACH_STATE = "training_failed"


def looked() -> IncidentWorld:
    """Return an incident that a look opened on Tuesday."""
    return IncidentWorld().look(make_finding(), until=TUESDAY)


def evaluated() -> IncidentWorld:
    """Return an incident that the first window opened."""
    return IncidentWorld().window(BOTH)


def resolved() -> IncidentWorld:
    """Return an incident that two quiet windows resolved."""
    return evaluated().window(QUIET, MONDAY + WEEK).window(QUIET, MONDAY + 2 * WEEK)


def next_look(since: datetime) -> IncidentWorld:
    """Return an incident whose newest look reaches into the next week."""
    lower = make_finding(estimate=0.5, lower=0.45, upper=0.55, since=since)
    return looked().window(BOTH).look(lower, until=MONDAY + WEEK + 2 * HOUR)


#: The states of an incident of drift.
DRIFT: dict[str, Callable[[], IncidentWorld]] = {
    "opened by a look": looked,
    "opened by a look, prompts and a metric": lambda: IncidentWorld().look(
        make_prompts_finding(), make_finding(), until=TUESDAY
    ),
    "opened by a window": evaluated,
    "worsened: look, then window": lambda: looked().window(BOTH),
    "worsened: the window no longer finds what the look did": lambda: looked().window(PROMPTS),
    "worsened: larger": lambda: IncidentWorld().window(PROMPTS).window(MORE_PROMPTS, MONDAY + WEEK),
    "a look that reaches into the next week": lambda: next_look(MONDAY + WEEK + HOUR),
    "continued": lambda: evaluated().window(BOTH, MONDAY + WEEK),
    "no longer found by a look": lambda: looked().look(until=TUESDAY + HOUR),
    "quiet": lambda: evaluated().window(QUIET, MONDAY + WEEK),
    "not enough data": lambda: evaluated().window(not_enough_data(), MONDAY + WEEK),
    "acknowledged": lambda: looked().act("acknowledge"),
    "snoozed": lambda: looked().act("snooze"),
    "woken": lambda: looked().act("snooze").act("wake"),
    "resolved by two quiet windows": resolved,
    "resolved by a user": lambda: looked().later(3 * HOUR).act("resolve"),
    "reopened": lambda: resolved().window(BOTH, MONDAY + 3 * WEEK),
    "unwatched": lambda: looked().later(DAY).act("unwatch"),
}


def states_of(cause: Cause, world: IncidentWorld) -> Iterator[str]:
    """Move an incident of a condition through its states, and yield their names."""
    name, of_daemon = cause.name, cause.of_daemon
    text = EXAMPLES.get(name, "What is wrong.")
    facts = FACTS.get(name, {}) | {"of_daemon": of_daemon}
    world.now = TUESDAY
    world.condition(name, text, "run 4", **facts)
    yield "opened"
    world.later(HOUR / 2).act("acknowledge")
    yield "acknowledged"
    text = text.replace("run 4", "run 5")
    world.later(HOUR).condition(name, text, "run 5", **facts)
    yield "worsened"
    world.later(HOUR / 2).act("snooze")
    yield "snoozed"
    world.act("wake")
    yield "woken"
    world.later(HOUR).clear(name, of_daemon=of_daemon)
    yield "resolved"
    text = text.replace("run 5", "run 6")
    world.condition(name, text, "run 6", **facts)
    yield "reopened"
    if not of_daemon:
        world.later(DAY).act("unwatch")
        yield "unwatched"


def messages() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield cause, state and payload of each message, in that state."""
    for state, build in DRIFT.items():
        yield "drift", state, build().payload()
    world = IncidentWorld()
    for cause in CAUSES.values():
        if cause.name != "drift":
            for state in states_of(cause, world):
                yield cause.name, state, world.payload()


def page() -> str:
    """Return the page, as `make docs` writes it."""
    with capture_logs():
        return _page()


def _page() -> str:
    world = looked().window(BOTH)
    payload = world.payload()
    lines = [
        "<!-- Written by `make docs` from tests/support/alerts/messages_page.py. Change that. -->",
        "# Messages of incidents",
        "",
        INTRODUCTION,
        "",
        "```",
        render_text(payload["blocks"]),
        "```",
    ]
    further = []
    for cause, state, payload in messages():
        title = CAUSES[cause].title
        text = html.unescape(payload["text"]).replace("|", r"\|")
        if cause not in {"drift", IN_EACH_STATE}:
            page = f"[{title}](../runbooks/{CAUSES[cause].page}.md)"
            further += [f"| {page} | {text} |"] if state == "opened" else []
            continue
        if f"## {title}" not in lines:
            lines += ["", f"## {title}", "", "| state | text |", "| --- | --- |"]
        lines.append(f"| {state} | {text} |")
    lines += ["", "## Further causes, opened", "", "| cause | text |", "| --- | --- |", *further]
    return "\n".join(lines) + "\n"
