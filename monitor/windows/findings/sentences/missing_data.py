"""Sentences on missing data: too little of it, and what the baseline has and the window lacks."""

from collections.abc import Sequence

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_share
from monitor.store.windows.assessment import FallenCoverage
from monitor.windows.comparison.window_comparison import MIN_END_USERS

#: Metrics, fields and task types with a sentence each; further ones are counted.
NAMED = 3


def describe_fallen_coverage(items: Sequence[FallenCoverage]) -> tuple[str, ...]:
    """Return a sentence on each metric, field and task type that the window lacks."""
    sentences = [_describe_fallen(item) for item in items[:NAMED]]
    n_more = len(items) - NAMED
    if n_more > 0:
        sentences.append(f"{pluralize(n_more, 'more name')} of the baseline hardly occur.")
    return tuple(sentences)


def _describe_fallen(item: FallenCoverage) -> str:
    name = f"{'task type ' * (item.kind == 'task_type')}`{excerpt(item.name, 40)}`"
    subject = f"{name[0].upper()}{name[1:]}"
    users = " Each exchange without it counts as that of another user." * (
        item.kind == "field" and item.name == "user"
    )
    if item.n_current:
        now, before = format_share(item.share_current), format_share(item.share_reference)
        return f"{subject} is sent with {now} of the exchanges, {before} before.{users}"
    texts = f", but {pluralize(item.n_texts, 'text')}" if item.n_texts else ""
    noun = "value" if item.kind == "metric" else "exchange"
    before = pluralize(item.n_reference, noun)
    return f"{subject} is no longer sent ({before} before, none now{texts}).{users}"


def describe_small_side(n_reference: int, n_current: int, least: int) -> str:
    """Return the headline where a side has fewer than ``least`` exchanges."""
    small = []
    if n_current < least:
        small.append(f"the window has {pluralize(n_current, 'exchange')}")
    if n_reference < least:
        small.append(f"the baseline has {pluralize(n_reference, 'exchange')}")
    return (
        f"Not enough data: {' and '.join(small)}; `drift.min_samples` requires {least:,} on each "
        "side."
    )


def describe_few_end_users(n_reference: int, n_current: int) -> str:
    """Return the headline where a side has too few end users."""
    return (
        f"Not enough data: the exchanges come from {n_current:,} end users in the "
        f"window and {n_reference:,} in the baseline; {MIN_END_USERS} are required "
        "on each side to tell drift from the habits of a few."
    )
