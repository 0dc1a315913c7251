"""Findings of checks."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from monitor.errors import TrainingError


@dataclass(frozen=True)
class PlanFinding:
    """The outcome of a check, with a text."""

    name: str
    #: ``note``: allowed, with a remark; ``refused``: the run can't start.
    outcome: Literal["ok", "note", "refused"]
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return asdict(self)


def raise_refusals(findings: Iterable[PlanFinding]) -> None:
    """Raise a ``TrainingError`` with a line for each check that refused the run."""
    refused = [f"{finding.text}" for finding in findings if finding.outcome == "refused"]
    if refused:
        raise TrainingError("\n".join(refused), code="checks")
