"""Phrases for the share of texts that have something, in the window and before."""

from monitor.rendering.numbers import format_rounded
from monitor.store.windows.assessment import ShareEstimate

#: "All", and "every", need this lower limit of a share that the window has in full.
NEARLY_ALL = 0.95
#: A share that rounds to all, where it is not.
ALMOST_ALL = 0.995
#: A share of the baseline that is none, rounded.
NONE = 0.0005


def describe_part(share: ShareEstimate, noun: str) -> str:
    """Return how many texts have it: "All prompts", "About 5% of the prompts"."""
    if is_all(share):
        return f"All {noun}"
    if share.estimate >= ALMOST_ALL and share.lower >= NEARLY_ALL:
        return f"Almost all {noun}"
    return f"About {format_rounded(share)} of the {noun}"


def is_all(share: ShareEstimate) -> bool:
    """Return whether every text has it, and the interval of the share says so, too."""
    return share.estimate >= 1.0 and share.lower >= NEARLY_ALL


def describe_before(reference: ShareEstimate) -> str:
    """Return how many texts of the baseline have it."""
    if reference.estimate < NONE:
        return "none before"
    return f"{'all' if is_all(reference) else format_rounded(reference)} before"
