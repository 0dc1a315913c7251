"""Phrases for events of the responses: empty, refused, cut off, malformed, or errors."""

from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_share
from monitor.rendering.shares import describe_before, describe_part
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.assessment import Explanation
from monitor.stored_words import labels

#: What responses with an event are.
EVENTS = labels(
    {
        "error": "errors",
        "empty": "empty",
        "refusal": "refusals",
        "broken_format": "in a broken format",
        "cut_off": "cut off",
    }
)
#: What to do about an event, as mrkdwn.
NEXT_STEP = (
    "• Look at the responses that are empty, refused, cut off, malformed or errors: check the "
    "provider's status and filters, `max_tokens`, and what parses the responses."
)


def describe_event(event: Explanation) -> str:
    """Describe an event: "About 10% of the responses are empty (none before)"."""
    place = f" {excerpt(event.text)}" if event.kind == "cut_off" and event.text else ""
    part = describe_part(event.current, "responses")
    return f"{part} are {EVENTS[event.kind]}{place} ({describe_before(event.reference)})"


def describe_event_test(event: Explanation) -> str:
    """Describe an event with its interval, its end users and its test."""
    share = event.current
    interval = f"95% interval {format_share(share.lower)} to {format_share(share.upper)}"
    parts = [describe_event(event), interval]
    if event.n_end_users:
        parts.append(f"end users: {event.n_end_users:,}")
    if event.p_value is not None:
        parts.append(state_p_value(event.p_value))
    return ", ".join(parts)
