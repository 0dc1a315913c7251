"""Right first actions on each fault, and the time until the engineer took one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: What is outside of the site is told by `note`: production, its releases, people.
PRODUCTION = r"note .*(produc|releas|deploy|sen[dt]|serve|team|gateway)"
SIGNAL = (PRODUCTION, r"incidents resolve")
DRIFT = (PRODUCTION, r"note .*(revert|review)", r"incidents (show|ack)", r"baseline import")
DAEMON = (r"check\b", r"daemon-log", r"driftwarden run", r"restart")
#: Patterns of the commands and notes that are a step of the message or its runbook.
FIRST_ACTIONS: dict[str, tuple[str, ...]] = {
    "traffic stops": (PRODUCTION, r"check\b(?! --now)", r"dead-letters"),
    "traffic falls": (PRODUCTION, r"check\b(?! --now)", r"dead-letters"),
    **dict.fromkeys(
        [f"{name} not sent" for name in ("resolved", "judge", "latency", "user", "task_type")],
        SIGNAL,
    ),
    "task type not sent": SIGNAL,
    "feedback stops": SIGNAL,
    "records unreadable": (r"dead-letters",),
    "records late": (r"evaluate .*--again",),
    "new prompts": DRIFT,
    "requests unresolved": DRIFT,
    "broker away": (*DAEMON, r"note .*(broker|kafka)"),
    "ingest stopped": DAEMON,
    "records lost": (r"note .*retention", r"check\b"),
    "evaluation fails": (r"check\b", r"daemon-log", r"evaluate .*--again"),
    "looks stop": DAEMON,
    "looks fail": DAEMON,
    "evaluations stop": DAEMON,
    "follow-up stops": DAEMON,
    "backups stop": (r"db backup",),
    "probes unanswered": (r"probes (run|status)", r"note .*(endpoint|probes\.url|serve)"),
    "model swapped": (r"probes (status|accept)", r"models rollback", r"note .*(deploy|releas)"),
    "reviewers away": (r"review queue", r"accounts", r"note .*(remind|review)"),
    "model removed": (r"edited config\.toml", r"note .*(config|remov)"),
    "slack refuses": (r"check\b", r"incidents", r"note .*(slack|bot)"),
    "pager refuses": (r"check\b", r"incidents", r"note .*pager"),
    "am refuses": (r"check\b", r"incidents", r"note .*alertmanager"),
    "daemon dead": DAEMON,
    "database away": (*DAEMON, r"db check", r"note .*database"),
}
GOAL = timedelta(minutes=3)
BAD_INPUT = 2


@dataclass(frozen=True)
class Step:
    """A command or a note of the engineer."""

    at: datetime
    #: Exit status of the command.
    status: int
    text: str

    @property
    def is_done(self) -> bool:
        """Return whether the command did what it is for; checks end by what they find."""
        return self.status == 0 or (self.status != BAD_INPUT and "check" in self.text)


def read_steps(log: str) -> Iterator[Step]:
    """Yield the steps of commands.log."""
    for line in log.splitlines():
        at, status, text = line.split(" ", maxsplit=2)
        yield Step(datetime.fromisoformat(at), int(status), text)


def first_right(fault: str, steps: Sequence[Step]) -> Step | None:
    """Return the first step that helps."""
    pattern = re.compile("|".join(FIRST_ACTIONS[fault]), re.IGNORECASE)
    return next((step for step in steps if step.is_done and pattern.search(step.text)), None)


def render_judgement(call: dict[str, Any], log: str) -> str:
    """Return what the engineer did after the message, and how long the right step took."""
    fault, message_at = call["fault"], datetime.fromisoformat(call["message_at"])
    steps = [step for step in read_steps(log) if step.at >= message_at.replace(microsecond=0)]
    right = first_right(fault, steps)
    lines = [
        f"Fault: {fault} {call['model']}".rstrip(),
        f"Message: {message_at:%d %b %Y, %H:%M:%S} UTC, {call['channel']}: {call['title']}",
        f"Right first actions: {', '.join(FIRST_ACTIONS[fault])}",
        *(
            f"  {_minutes(step.at - message_at)}  {step.text} (exit status {step.status})"
            for step in steps
        ),
    ]
    if right is None:
        lines.append("No right action yet")
    else:
        took = right.at - message_at
        result = "met" if took < GOAL else "missed"
        lines.append(f"First right action after {_minutes(took)}: {right.text}; goal 3:00 {result}")
    return "\n".join(lines)


def _minutes(took: timedelta) -> str:
    minutes, seconds = divmod(max(round(took.total_seconds()), 0), 60)
    return f"{minutes}:{seconds:02d}"
