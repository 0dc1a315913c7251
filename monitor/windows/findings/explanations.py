"""Explanations as an assessment states them: joined, ordered, redacted and cut."""

import math
from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from monitor.explanations import FoundExplanation, importance
from monitor.rendering.excerpts import excerpt
from monitor.statistics.mover import Limits
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import (
    Explanation,
    RestAssessment,
    ShareEstimate,
)
from monitor.traffic.redaction import Redactor
from monitor.windows.explanations.explained import SET_APART, ExplainedFamily
from monitor.windows.findings.unread_texts import QUOTED_FROM_USERS

#: Kinds whose text is a passage of the traffic; of the others it is a word of driftwarden's own.
QUOTING = frozenset(
    {"system_message", "tools", "prefix", "suffix", "copies", "one_user", "rarer_topic"}
)


def state_matches(
    family: ExplainedFamily, side: Literal["prompt", "response"], window: Exchanges | None
) -> tuple[Explanation, ...]:
    """Return what rules recognise in the texts of a family.

    A text of few end users may be personal, and isn't quoted. ``window`` has the exchanges that
    were searched.
    """
    if window is None:
        return ()
    return tuple(_state(match, family, side, window) for match in family.matches)


def state_events(events: Sequence[Explanation], family: ExplainedFamily) -> tuple[Explanation, ...]:
    """Return the events of the responses, those whose responses were set apart as taken out."""
    has_rest = family.rest is not None
    return tuple(
        replace(event, is_taken_out=has_rest and event.kind in SET_APART) for event in events
    )


def state_rest(family: ExplainedFamily) -> RestAssessment | None:
    """Return the test of the rest; ``None`` where nothing was taken out."""
    if family.rest is None:
        return None
    result = family.rest_result
    n_reference, n_current = (len(side.exchanges) for side in family.rest)
    if result is None:
        return RestAssessment(
            n_reference=n_reference,
            n_current=n_current,
            verdict="not_enough_data",
            p_value=math.nan,
            drifted_share=None,
        )
    return RestAssessment(
        n_reference=n_reference,
        n_current=n_current,
        verdict="drift" if result.p_value <= (result.alpha or 0.0) else "no_drift",
        p_value=result.p_value,
        drifted_share=ShareEstimate.of(result.drifted_share, result.drifted_share_interval),
    )


def join_explanations(
    explanations: Sequence[Explanation], redactor: Redactor
) -> tuple[Explanation, ...]:
    """Return explanations of all sources in their order, with texts redacted and cut."""
    ordered = sorted(
        explanations,
        key=_importance,
    )
    return tuple(
        replace(
            explanation,
            text=excerpt(redactor.redact(explanation.text)),
            before=excerpt(redactor.redact(explanation.before)),
        )
        for explanation in ordered
    )


def _importance(explanation: Explanation) -> tuple[int, int, float]:
    difference = explanation.current.estimate - explanation.reference.estimate
    return importance(explanation.kind, difference)


def _state(
    match: FoundExplanation,
    family: ExplainedFamily,
    side: Literal["prompt", "response"],
    window: Exchanges,
) -> Explanation:
    is_quoted = match.kind not in QUOTING or not 0 < match.n_end_users < QUOTED_FROM_USERS
    rows = match.current_rows.nonzero()[0]
    return Explanation(
        kind=match.kind,
        side=side,
        text=match.text if is_quoted else "",
        before=match.before if is_quoted else "",
        reference=_estimate(match.reference),
        current=_estimate(match.current),
        since=match.since,
        n_end_users=window.count_users(rows) if any(window.end_users) else 0,
        is_taken_out=family.rest is not None and any(match is own for own in family.taken_out),
    )


def _estimate(limits: Limits) -> ShareEstimate:
    return ShareEstimate(
        estimate=limits.mean, lower=max(limits.lower, 0.0), upper=min(limits.upper, 1.0)
    )
