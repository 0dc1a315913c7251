"""What a candidate must show, check by check, and what follows from all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True)
class Check:
    """One thing a candidate must show."""

    name: str
    outcome: Outcome
    #: The figures, in words.
    seen: str
    required: str


@dataclass(frozen=True)
class GateResult:
    """Promote only where every check passed; reject where one failed."""

    decision: Literal["promote", "reject", "undecided"]
    checks: tuple[Check, ...]


def combine(checks: Sequence[Check]) -> GateResult:
    """Promote where every check passed, reject where one failed, else be undecided."""
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes:
        return GateResult("reject", tuple(checks))
    return GateResult("undecided" if "undecided" in outcomes else "promote", tuple(checks))
