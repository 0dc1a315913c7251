"""The rule that turns checks into a gate result."""

from collections.abc import Iterable

from monitor.store.training.candidate_results import Check, GateResult


def combine_checks(checks: Iterable[Check]) -> GateResult:
    """Promote where every check passed, reject where one failed, else leave it undecided."""
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes:
        return "reject"
    return "undecided" if "undecided" in outcomes else "promote"
