"""Gate result of a set of checks."""

import pytest

from monitor.store.training.candidate_results import CheckOutcome, GateCheck
from retrain.evaluation.gates.promotion_rule import combine_checks


@pytest.mark.parametrize(
    ("outcomes", "gate_result"),
    [
        (("passed", "passed"), "promote"),
        (("passed", "undecided"), "undecided"),
        (("undecided", "failed"), "reject"),
        (("failed", "passed"), "reject"),
        ((), "promote"),
    ],
)
def test_failed_check_rejects_and_undecided_check_leaves_undecided(
    outcomes: tuple[CheckOutcome, ...], gate_result: str
) -> None:
    checks = [GateCheck(str(number), outcome, "", "") for number, outcome in enumerate(outcomes)]
    assert combine_checks(checks) == gate_result
