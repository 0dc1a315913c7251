"""Reference page of incidents' messages: each cause in each state, by the functions of the daemon.

`make docs` writes it with ``python -m tests.support.alerts.messages_page FILE``; a test compares.
"""

import argparse
import html
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from monitor.alerts.causes import CAUSES, Cause
from monitor.alerts.messages.text import MAX_WORDS
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

TUESDAY = MONDAY + DAY + 16 * HOUR
BOTH = with_findings(CASES["input_drift"]())
PROMPTS = with_findings(make_assessment(0.12))
MORE_PROMPTS = with_findings(make_assessment(0.31))
QUIET = with_findings(make_assessment())

#: What the conditions say; others say "What is wrong.".
EXAMPLES = {
    "evaluation_failed": "The window from 2 Nov could not be evaluated (evaluation 12): the "
    "encoder needs 9.1 GB of memory, 4.0 GB are free.",
    "evaluation_overdue": "The window from 2 Nov ended 9 Nov 2026, 00:00 UTC and is not evaluated; "
    "the newest is that from 26 Oct.",
    "no_traffic": "No record for 24 hours; each of the seven days before had some. Everything else "
    "was read until 3 Nov 2026, 15:00 UTC.",
    "consumer_stalled": "Nothing was read of partitions 0, 3 since 3 Nov 2026, 14:40 UTC.",
    "records_lost": "2,310 records of partition 1 no longer existed when read, first noticed 3 Nov "
    "2026, 14:40 UTC.",
    "messages_undelivered": "The channel slack has taken no message since 3 Nov 2026, 14:40 UTC: "
    "Slack refuses all messages: invalid_auth; check SLACK_BOT_TOKEN.",
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


INTRODUCTION = f"""\
The message of an incident says in at most {MAX_WORDS} words what hurts most now, since when, what
changed, who has it, and one next step. Slack's notification, PagerDuty's summary, the subject of a
mail and Alertmanager's `summary` begin with the same text. Below is each
[cause](../runbooks/README.md) in each state. A look's incident that a window worsened, in Slack:"""


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
    "resolved by a user": lambda: looked().act("resolve"),
    "reopened after weeks": lambda: resolved().window(BOTH, MONDAY + 5 * WEEK),
    "unwatched": lambda: looked().act("unwatch"),
}


def states_of(cause: Cause, world: IncidentWorld) -> Iterator[str]:
    """Move an incident of a condition through its states, and yield their names."""
    name, of_daemon = cause.name, cause.of_daemon
    text = EXAMPLES.get(name, "What is wrong.")
    world.condition(name, text, "first", of_daemon=of_daemon)
    yield "opened"
    world.act("acknowledge")
    yield "acknowledged"
    world.condition(name, text, "second", of_daemon=of_daemon)
    yield "worsened"
    world.act("snooze")
    yield "snoozed"
    world.act("wake")
    yield "woken"
    world.clear(name, of_daemon=of_daemon)
    yield "resolved"
    world.condition(name, text, "third", of_daemon=of_daemon)
    yield "reopened"
    if not of_daemon:
        world.act("unwatch")
        yield "unwatched"


def messages() -> Iterator[tuple[str, str, IncidentWorld]]:
    """Yield cause, state and world of each message, in that state."""
    for state, build in DRIFT.items():
        yield "drift", state, build()
    world = IncidentWorld(now=TUESDAY)
    for cause in CAUSES.values():
        if cause.name != "drift":
            for state in states_of(cause, world):
                yield cause.name, state, world


def page() -> str:
    """Return the page."""
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
    heading = ""
    for cause, state, current in messages():
        if cause != heading:
            heading = cause
            lines += ["", f"## {CAUSES[cause].title}", "", "| state | text |", "| --- | --- |"]
        text = html.unescape(current.payload()["text"]).replace("|", r"\|")
        lines.append(f"| {state} | {text} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse the command line and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="FILE.md")
    parser.parse_args().path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
