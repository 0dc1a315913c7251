"""The finding of a check."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from monitor.errors import TrainingError


@dataclass(frozen=True)
class Finding:
    """The outcome of one check, in words."""

    name: str
    #: ``note``: allowed with a remark; ``refused``: no run starts.
    outcome: Literal["ok", "note", "refused"]
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def raise_refusals(findings: Iterable[Finding]) -> None:
    """Raise the findings that refuse a run.

    Raises:
        TrainingError: A check refused; a line for each.
    """
    refused = [f"{finding.text}" for finding in findings if finding.outcome == "refused"]
    if refused:
        raise TrainingError("\n".join(refused))
