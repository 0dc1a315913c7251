"""Preview of a training run for a lead, before it starts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from monitor.store.training.runs import RunRow
from retrain.data.data_card_page import left_out_lines
from retrain.data.training_set import TrainingSet
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.options import Option


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a run, what is left out of it, and the findings of the checks."""

    checked_at: datetime
    #: Why the run can't start, and what to do; empty: it can.
    refusal: str = ""
    #: Name of that reason.
    code: str = ""
    method: str = ""
    base: str = ""
    needed_gib: float | None = None
    n_gold: int = 0
    n_replay: int = 0
    n_validation: int = 0
    #: A line for each reason for which examples are left out.
    left_out: tuple[str, ...] = ()
    findings: tuple[PlanFinding, ...] = ()
    #: Task type -> training examples; the empty text: none.
    by_task_type: dict[str, int] = {}
    #: Optimiser steps, and tokens of an epoch; 0: not counted.
    steps: int = 0
    n_tokens: int = 0
    #: Tokens and name of the longest example, and tokens of the longest one that is left out.
    longest: int = 0
    longest_example: str = ""
    longest_left_out: int = 0
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        option: Option,
        training_set: TrainingSet,
        findings: Iterable[PlanFinding],
        now: datetime,
        steps: int = 0,
    ) -> "Preview":
        """Return the preview of a plan."""
        findings, card = tuple(findings), training_set.card
        replay, tokens = card.self_generated, card.tokens
        return cls(
            checked_at=now,
            refusal="\n".join(entry.text for entry in findings if entry.outcome == "refused"),
            code="checks" if any(entry.outcome == "refused" for entry in findings) else "",
            method=option.method,
            base=option.base,
            needed_gib=option.needed_gib,
            n_gold=card.n_gold,
            n_replay=card.n_replay + (replay.wanted_training if replay else 0),
            n_validation=card.n_validation,
            left_out=tuple(left_out_lines(card)),
            findings=findings,
            by_task_type=card.by_task_type,
            steps=steps,
            n_tokens=tokens.training if tokens else 0,
            longest=tokens.longest if tokens else 0,
            longest_example=tokens.longest_example if tokens else "",
            longest_left_out=training_set.longest_left_out,
            remarks=card.remarks,
        )

    def raise_to(self, max_length: int) -> int:
        """Return the ``max_length`` that keeps what one leaves out as too long; 0: nothing is."""
        return self.longest_left_out if self.longest_left_out > max_length else 0

    def as_json(self) -> dict[str, Any]:
        """Return the preview as JSON values."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values


def stored_preview(stored: dict[str, Any] | None) -> Preview | None:
    """Read a stored preview; ``None`` where a plan has none, as of an older release."""
    if stored is None or "checked_at" not in stored:
        return None
    return msgspec.convert(stored, Preview)


def plan_status(run: RunRow) -> str:
    """Return the status of a run on pages: of a draft, whether its check refused it."""
    if run.status != "draft":
        return run.status
    return "refused" if is_refused(run) else "draft, waits for its check"


def is_refused(run: RunRow) -> bool:
    """Return whether the check of a draft has refused it."""
    return run.status == "draft" and stored_preview(run.plan) is not None
