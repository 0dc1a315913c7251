"""Sentences on comparisons with too little data, which stand for all findings."""

from monitor.drift import DriftResult, SampleDesign
from monitor.windows.comparison.window_comparison import MIN_END_USERS


def describe_small_side(n_reference: int, n_current: int, least: int) -> str:
    """Return the headline where a side has fewer than ``least`` exchanges."""
    small = []
    if n_reference < least:
        small.append(f"the baseline has {n_reference:,}")
    if n_current < least:
        small.append(f"the window has {n_current:,}")
    return f"Not enough data: {least:,} exchanges are required on each side; {' and '.join(small)}."


def describe_small_comparison(result: DriftResult, design: SampleDesign | None, least: int) -> str:
    """Return the headline where too few comparable exchanges, or end users, were left."""
    if design is not None:
        n_left = int(design.reference_comparable.sum()), int(design.current_comparable.sum())
        if min(n_left) < least:
            return (
                f"{describe_small_side(*n_left, least)} These are left after thinning task types "
                "that were sampled at different rates."
            )
    return describe_few_end_users(result.n_reference_groups, result.n_current_groups)


def describe_few_end_users(n_reference: int, n_current: int) -> str:
    """Return the headline where a side has too few end users."""
    return (
        f"Not enough data: the exchanges come from {n_current:,} end users in the "
        f"window and {n_reference:,} in the baseline; {MIN_END_USERS} are required "
        "on each side to tell drift from the habits of a few."
    )
