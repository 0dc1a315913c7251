"""Gate result of a set of checks."""

from collections.abc import Iterable

from monitor.store.training.candidate_results import GateCheck, GateResult


def combine_checks(checks: Iterable[GateCheck]) -> GateResult:
    """Return promote if every check passed, reject if one failed, otherwise undecided."""
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes:
        return "reject"
    return "undecided" if "undecided" in outcomes else "promote"
