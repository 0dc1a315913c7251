"""Values of an assessment: shares with their intervals, p-values, verdicts."""

import math
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    #: Of a test that may not have taken place: NaN then, and ``null`` in JSON.
    PValue = float
else:
    PValue = float | None

Verdict = Literal["drift", "no_drift", "not_enough_data"]


class ShareEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """An estimated share in [0, 1], with its 95% interval."""

    estimate: float
    lower: float
    upper: float

    @classmethod
    def of(cls, estimate: float, interval: tuple[float, float]) -> "ShareEstimate":
        """Return an estimate with its limits."""
        lower, upper = interval
        return cls(estimate=estimate, lower=lower, upper=upper)


def read_missing(struct: msgspec.Struct, *fields: str) -> None:
    """Read missing fields as NaN."""
    for field in fields:
        value = getattr(struct, field)
        # Always the same NaN, so that equal assessments compare as equal.
        if value is None or math.isnan(value):
            msgspec.structs.force_setattr(struct, field, math.nan)


def changed_share(drifted_share: ShareEstimate | None, shift: ShareEstimate | None) -> float:
    """Return the least share that changed, by a drifted share and the shift of all, if any."""
    moved = 0.0 if shift is None else 2.0 * shift.estimate - 1.0
    return moved if drifted_share is None else max(drifted_share.estimate, moved)
