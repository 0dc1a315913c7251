"""The finding of a check."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from monitor.errors import TrainingError


@dataclass(frozen=True)
class Finding:
    """The outcome of one check, in words."""

    name: str
    #: ``note``: allowed, but worth knowing; ``refused``: no training starts.
    outcome: Literal["ok", "note", "refused"]
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def raise_refusals(findings: Iterable[Finding]) -> None:
    """Refuse a training that a check refused.

    Raises:
        TrainingError: With a line for each of those checks.
    """
    refused = [f"{finding.text}" for finding in findings if finding.outcome == "refused"]
    if refused:
        raise TrainingError("\n".join(refused))
