"""Preview of a training run for a lead, before it starts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from retrain.data.data_card import Card
from retrain.data.data_card_page import left_out_lines
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.options import Option


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a run, what is left out of it, and the findings of the checks."""

    checked_at: datetime
    #: Why the run can't start, and what to do; empty: it can.
    refusal: str = ""
    method: str = ""
    base: str = ""
    needed_gib: float | None = None
    n_gold: int = 0
    n_replay: int = 0
    n_validation: int = 0
    #: A line for each reason for which examples are left out.
    left_out: tuple[str, ...] = ()
    findings: tuple[PlanFinding, ...] = ()

    @classmethod
    def of(
        cls, option: Option, card: Card, findings: Iterable[PlanFinding], now: datetime
    ) -> "Preview":
        """Return the preview of a plan."""
        findings = tuple(findings)
        replay = card.self_generated
        return cls(
            checked_at=now,
            refusal="\n".join(entry.text for entry in findings if entry.outcome == "refused"),
            method=option.method,
            base=option.base,
            needed_gib=option.needed_gib,
            n_gold=card.n_gold,
            n_replay=card.n_replay + (replay.wanted_training if replay else 0),
            n_validation=card.n_validation,
            left_out=tuple(left_out_lines(card)),
            findings=findings,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values


def stored_preview(stored: dict[str, Any] | None) -> Preview | None:
    """Read a stored preview; ``None`` where a plan has none, as of an older release."""
    if stored is None or "checked_at" not in stored:
        return None
    return msgspec.convert(stored, Preview)
