"""Decision on a rollout: advance, hold, wait, revert, or ask a user."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from monitor.stored_words import labels
from retrain.rollout.checks.evidence import RolloutEvidence
from retrain.rollout.checks.forecast import forecast_stage
from retrain.rollout.checks.results import STALE_HOURS, CheckResult, check_results

#: Hours of a stage from which its traffic is extrapolated.
MIN_HOURS = 1.0

#: ``wait``: nothing is wrong, and the stage's time is not over. ``hold``: something is missing or
#: not shown. ``ask``: it has held for ``max_hold``.
Action = Literal["advance", "hold", "wait", "revert", "ask"]

ReasonCode = Literal[
    "worse",
    "limit_broken",
    "no_evidence",
    "evidence_behind",
    "canary_idle",
    "stable_idle",
    "sample_ratio",
    "unlabelled",
    "missing",
    "not_shown",
    "too_early",
    "slow",
    "all_shown",
    "holdback_over",
]
#: Codes of reasons why the traffic is not as its weights say.
NOT_AS_WEIGHTED: frozenset[str] = frozenset({"sample_ratio", "unlabelled"})


@dataclass(frozen=True)
class Stage:
    """The current stage of a rollout."""

    percent: int
    #: When its weights were confirmed.
    started_at: datetime
    #: At 100%, the time of the holdback.
    min_dwell: timedelta
    #: Time after ``min_dwell`` at which a user is asked.
    max_hold: timedelta
    #: Whether the canary has all traffic but the holdback.
    is_holdback: bool = False


class Reason(msgspec.Struct, frozen=True):
    """A reason of a decision."""

    #: A :data:`ReasonCode`.
    code: str
    #: A sentence for page, Slack and log.
    text: str
    check: str = ""


@dataclass(frozen=True)
class Decision:
    """The decision on a rollout after an hour."""

    action: Action
    #: At least one; of a revert, each check that is worse.
    reasons: tuple[Reason, ...]
    #: Advance checks that are not measured as they should be.
    missing: tuple[str, ...]
    #: Advance checks that are measured, and not shown yet.
    not_shown: tuple[str, ...]
    #: Those of them that may not be shown in the stage's time at this traffic.
    slow: tuple[str, ...]
    #: When the stage's time is over.
    due: datetime
    results: tuple[CheckResult, ...]

    @property
    def summary(self) -> str:
        """The reasons as one line."""
        return "; ".join(reason.text for reason in self.reasons)


def decide(
    evidence: RolloutEvidence, stage: Stage, now: datetime, *, with_limits: bool = True
) -> Decision:
    """Decide the next action of a rollout.

    A check that is worse, or a broken limit, reverts at once. A stage advances when its time is
    over, every advance check is shown and nothing is missing. The holdback ends with its time,
    unless the canary is idle, or has no request in a whole hour of it, the traffic is not read, or
    the shares differ from the weights. The evidence is that after the newest complete hour.
    ``with_limits`` computes the confidence sequences that are shown.
    """
    results = tuple(check_results(evidence, with_limits=with_limits))
    due = stage.started_at + stage.min_dwell
    advance = [result for result in results if result.kind == "advance"]
    missing = tuple(result.name for result in advance if result.missing)
    not_shown = tuple(r.name for r in advance if not r.not_worse and not r.missing)
    slow = [] if stage.is_holdback else _slow_checks(evidence, stage, not_shown)
    action, reasons = _choose(evidence, stage, now, results)
    if action == "wait":
        reasons += slow
    names = tuple(reason.check for reason in slow)
    return Decision(action, tuple(reasons), missing, not_shown, names, due, results)


def _choose(
    evidence: RolloutEvidence, stage: Stage, now: datetime, results: tuple[CheckResult, ...]
) -> tuple[Action, list[Reason]]:
    worse = [_worse(result) for result in results if result.worse]
    if worse:
        return "revert", worse
    due = stage.started_at + stage.min_dwell
    over = now >= due
    holds = _holds(evidence, now)
    open_checks = [] if stage.is_holdback else _open_checks(results)
    if stage.is_holdback:
        # The holdback is small: stable may be idle by chance.
        holds = [reason for reason in holds if reason.code != "stable_idle"]
        # It may be shorter than the time after which the canary is idle.
        if over and not holds and evidence.last_canary * 3600 < stage.started_at.timestamp():
            text = "no whole hour of the holdback has requests of the canary; check gateway, labels"
            holds = [Reason("canary_idle", text)]
    if over and stage.is_holdback and not holds:
        return "advance", [
            Reason("holdback_over", "the holdback's time is over; no check is worse")
        ]
    if over and not holds and not open_checks:
        text = "all advance checks are shown to be not worse by their margins"
        return "advance", [Reason("all_shown", text)]
    if now >= due + stage.max_hold:
        return "ask", holds + open_checks
    if over or holds:
        return "hold", holds + open_checks
    return "wait", [Reason("too_early", f"at {stage.percent}% until {due:%Y-%m-%d %H:%M} UTC")]


def _holds(evidence: RolloutEvidence, now: datetime) -> list[Reason]:
    """Return what is wrong with the measurement as a whole."""
    if evidence.last_hour < 0:
        return [Reason("no_evidence", "no hour of this rollout is measured yet")]
    reasons = []
    seen_until = datetime.fromtimestamp((evidence.last_hour + 1) * 3600, UTC)
    if now - seen_until >= timedelta(hours=STALE_HOURS):
        text = f"measured until {seen_until:%Y-%m-%d %H:%M} UTC only; check ingest"
        reasons.append(Reason("evidence_behind", text))
    stale = evidence.last_hour - STALE_HOURS
    if evidence.last_canary <= stale:
        text = f"the canary is idle: no requests for {STALE_HOURS} hours; check gateway and labels"
        reasons.append(Reason("canary_idle", text))
    if evidence.last_stable <= stale:
        text = f"stable is idle: no requests for {STALE_HOURS} hours to compare with"
        reasons.append(Reason("stable_idle", text))
    ratio = evidence.sample_ratio
    if ratio.is_mismatch:
        text = (
            f"the canary received {ratio.seen_share or 0:.1%} of the users, the weights say "
            f"{ratio.expected_share or 0:.1%}; check the gateway"
        )
        reasons.append(Reason("sample_ratio", text))
    elif ratio.is_request_mismatch:
        text = (
            f"the canary's share of the requests differs from the weights by "
            f"{100 * ratio.request_difference:+.1f} points; check the gateway, and the labels of "
            "failing requests"
        )
        reasons.append(Reason("sample_ratio", text))
    if ratio.lacks_labels:
        text = (
            f"{ratio.unlabelled_share:.1%} of the requests name neither version; check the labels, "
            "those of failing requests first"
        )
        reasons.append(Reason("unlabelled", text))
    return reasons


def _open_checks(results: tuple[CheckResult, ...]) -> list[Reason]:
    """Return the advance checks that are missing or not shown."""
    if not any(result.kind == "advance" for result in results):
        return [Reason("missing", "no metric is measured that could show the canary to be as good")]
    return [
        _missing(result) if result.missing else _not_shown(result)
        for result in results
        if result.kind == "advance" and (result.missing or not result.not_worse)
    ]


def _slow_checks(
    evidence: RolloutEvidence, stage: Stage, not_shown: tuple[str, ...]
) -> list[Reason]:
    """Return the checks that may not be shown in the stage's time at this traffic."""
    seen_until = (evidence.last_hour + 1) * 3600
    n_hours = (seen_until - stage.started_at.timestamp()) / 3600
    if n_hours < MIN_HOURS:
        return []
    stage_hours = stage.min_dwell.total_seconds() / 3600
    return [
        Reason(
            "slow",
            f"{forecast.check}: may not be shown in {stage_hours:.0f} h at this traffic; four of "
            f"five equal versions take up to {forecast.hours:,.0f} h ({forecast.n_pairs:,} pairs)",
            forecast.check,
        )
        for forecast in forecast_stage(evidence, n_hours, stage_hours)
        if forecast.check in not_shown and forecast.hours and not forecast.can_be_shown
    ]


_MISSING = labels(
    {
        "unmeasured": "no measurement yet",
        "unknown_level": "stable's level is not known yet",
        "stale": f"no measurement for {STALE_HOURS} hours",
        "measured_less": "measured less often on the canary than on stable",
    }
)


def _missing(result: CheckResult) -> Reason:
    return Reason("missing", f"{result.name}: {_MISSING[result.missing]}", result.name)


def _not_shown(result: CheckResult) -> Reason:
    text = (
        f"{result.name}: worse by at most {_loss(result, result.upper)}, the margin is "
        f"{_loss(result, result.margin)} ({result.n_stage_pairs:,} pairs)"
    )
    return Reason("not_shown", text, result.name)


def _worse(result: CheckResult) -> Reason:
    figures = f"{_loss(result, result.loss)} (at least {_loss(result, result.lower)})"
    if result.kind == "limit":
        text = f"{result.name}: broken by {figures}"
        return Reason("limit_broken", text, result.name)
    return Reason("worse", f"{result.name}: worse by {figures}", result.name)


def _loss(result: CheckResult, loss: float | None) -> str:
    """Return a loss; of a share, in points."""
    value = 0.0 if loss is None else loss
    if not result.is_share:
        return f"{value:.3g}"
    points = f"{100 * value:.2g}"
    return f"{points} point{'' if points == '1' else 's'}"
