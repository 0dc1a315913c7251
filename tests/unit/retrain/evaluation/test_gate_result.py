"""What follows from all checks of a candidate."""

import pytest

from retrain.evaluation.gates.gate_result import Check, combine


@pytest.mark.parametrize(
    ("outcomes", "decision"),
    [
        (("passed", "passed"), "promote"),
        (("passed", "undecided"), "undecided"),
        (("undecided", "failed"), "reject"),
        (("failed", "passed"), "reject"),
        ((), "promote"),
    ],
)
def test_one_failed_check_rejects_and_one_undecided_decides_nothing(
    outcomes: tuple[str, ...], decision: str
) -> None:
    checks = [Check(str(n), outcome, "", "") for n, outcome in enumerate(outcomes)]  # type: ignore[arg-type]
    found = combine(checks)
    assert (found.decision, found.checks) == (decision, tuple(checks))
