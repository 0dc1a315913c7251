"""Wording of rollouts: where one stands, since when, what happens next, and what is missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from monitor.plurals import pluralize
from monitor.rendering.numbers import format_instant
from monitor.store.audit_log import SYSTEM
from monitor.stored_words import Words, name_unknown
from retrain.rollout.plan import RolloutPlan
from retrain.rollout.rows.situations import RolloutSituation
from retrain.rollout.wording.checks import describe_open

#: Looks are hourly, and an hour is looked at when its late records have arrived.
LOOK_OVERDUE = timedelta(hours=3)
#: The gateway gets new weights within seconds.
CONFIRMATION_OVERDUE = timedelta(minutes=1)

Tone = Literal["good", "warn", "bad", ""]


@dataclass(frozen=True)
class RolloutSummary:
    """The urgent facts for the user on call."""

    #: The state in a word or two.
    badge: str
    tone: Tone
    #: Where it stands, and since when.
    state: str
    #: What happens next, and when.
    next: str
    #: What is wrong with gateway, looks or daemon.
    warnings: tuple[str, ...] = ()
    #: What keeps it from the next stage.
    missing: tuple[str, ...] = ()
    #: When the stage's time is over; ``None``: it has none.
    due: datetime | None = None
    #: Whether a lead has to decide.
    asks: bool = False
    #: What an advance does; empty: it can't advance.
    following: str = ""
    #: Metrics with a direction that have no check, and why.
    not_compared: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """State and next step."""
        return f"{self.state} {self.next}".strip()


def summarize_rollout(situation: RolloutSituation, plan: RolloutPlan | None) -> RolloutSummary:
    """Return where a rollout stands; ``plan`` is ``None`` where it has no stages."""
    summary = _summarize(situation, plan)
    if situation.not_in_force and situation.rollout.is_open:
        step = "Nothing advances until a leader has made gateway and database agree."
        return replace(summary, next=step)
    return summary


def _summarize(situation: RolloutSituation, plan: RolloutPlan | None) -> RolloutSummary:
    rollout = situation.rollout
    if rollout.status == "completed":
        return _completed(situation)
    if rollout.status == "reverted":
        return _reverted(situation)
    if plan is None:
        state = (
            f"{_versions(situation)} share the traffic since "
            f"{format_instant(rollout.started_at)}: {rollout.weight_percent}% to version "
            f"{rollout.version}."
        )
        look = situation.look
        verdict = "No hour was looked at yet." if look is None else f"Verdict: {look.reason}."
        step = f"{verdict} It goes on until a lead stops it, or a guard is broken."
        title = f"Experiment at {rollout.weight_percent}%"
        return RolloutSummary(title, "good", state, step, _warnings(situation))
    summary = _IN_STAGES[rollout.status](situation, plan)
    return replace(summary, not_compared=describe_not_compared(situation.not_compared))


def _running(situation: RolloutSituation, plan: RolloutPlan) -> RolloutSummary:
    rollout, due = situation.rollout, _due(situation, plan)
    missing = describe_missing(situation)
    following = _following(situation, plan)
    if due is None:
        step = (
            f"When the gateway has confirmed {rollout.weight_percent}%, the time of this stage "
            "begins."
        )
    elif due > situation.now:
        step = f"{following} at the earliest {_at(due, situation.now)}"
        step += ", once each advance check is shown." if missing else "; nothing is missing now."
    elif missing:
        step = f"The stage's time is over: {_lower(following)} as soon as nothing is missing."
    else:
        step = (
            f"The stage's time is over and nothing is missing: {_lower(following)} at the next "
            "hourly look."
        )
    is_refused = due is None and situation.wanted is not None and bool(situation.wanted.error)
    badge = "{}% not confirmed" if is_refused else "Running at {}%"
    return RolloutSummary(
        badge.format(rollout.weight_percent),
        "bad" if is_refused else "good" if situation.is_confirmed else "warn",
        _share(situation),
        step,
        _warnings(situation),
        missing,
        due,
        following=f"{following}.",
    )


def _holding(situation: RolloutSituation, plan: RolloutPlan) -> RolloutSummary:
    rollout, due = situation.rollout, _due(situation, plan)
    held, request = situation.last("held"), situation.last("asked")
    asks = request is not None and (held is None or request.id > held.id)
    since = f" since {format_instant(held.at)}" if held is not None else ""
    state = f"{_share(situation)} It is held{since}."
    missing = describe_missing(situation)
    following = _following(situation, plan)
    if asks and request is not None:
        step = (
            f"A lead has to decide, asked {format_instant(request.at)}: advance it, or revert it. "
            f"Until then {rollout.weight_percent}% stay; {_lower(following)} by itself where "
            "nothing is missing any more."
        )
    else:
        limit = None if held is None else held.at + plan.max_hold
        step = f"{following} by itself as soon as nothing is missing."
        if limit is not None:
            step += f" Else a lead is asked {_at(limit, situation.now)}."
    badge = (
        f"Asks for a decision at {rollout.weight_percent}%"
        if asks
        else f"Held at {rollout.weight_percent}%"
    )
    return RolloutSummary(
        badge,
        "bad" if asks else "warn",
        state,
        step,
        _warnings(situation),
        missing,
        due,
        asks,
        f"{following}.",
    )


def _paused(situation: RolloutSituation, plan: RolloutPlan) -> RolloutSummary:
    rollout = situation.rollout
    paused = situation.last("paused")
    by = "" if paused is None else f" by {paused.by} since {format_instant(paused.at)}"
    return RolloutSummary(
        f"Paused at {rollout.weight_percent}%",
        "warn",
        f"{_share(situation)} It is paused{by}: {_reason(rollout.reason)}",
        "It stays so until a lead resumes it. A check that shows that the canary is worse still "
        "reverts it.",
        _warnings(situation),
        describe_missing(situation),
        _due(situation, plan),
    )


def _holdback(situation: RolloutSituation, plan: RolloutPlan) -> RolloutSummary:
    rollout, due = situation.rollout, _due(situation, plan)
    state = f"{_share(situation)} Version {situation.stable} keeps {plan.holdback}% for comparison."
    look = situation.look
    action = look.action if look is not None and look.stage == rollout.stage else "wait"
    asks = action == "ask"
    if due is None:
        step = "When the gateway has confirmed this, the time of the holdback begins."
    elif action in {"hold", "ask"}:
        step = f"It is not completed while this is so: {_reason(rollout.reason)}"
        if asks:
            step += " A lead has to decide: advance it, or revert it."
    elif due > situation.now:
        step = f"It is completed {_at(due, situation.now)}, unless a check reverts it before."
    else:
        step = "The time of the holdback is over: it is completed at the next hourly look."
    return RolloutSummary(
        f"Asks for a decision at {rollout.weight_percent}%"
        if asks
        else f"Holdback, {rollout.weight_percent}%",
        "bad" if asks else "good" if situation.is_confirmed else "warn",
        state,
        step,
        _warnings(situation),
        (),
        due,
        asks,
        following=f"It is completed: version {rollout.version} has all traffic.",
    )


def _completed(situation: RolloutSituation) -> RolloutSummary:
    rollout = situation.rollout
    ended = situation.last("completed")
    by = f" by {ended.by}" if ended is not None and ended.by != SYSTEM else ""
    at = rollout.finished_at or rollout.stage_started_at
    return RolloutSummary(
        "Completed",
        "good" if situation.is_confirmed else "bad",
        f"Version {rollout.version} has all traffic; completed{by} {format_instant(at)}: "
        f"{_reason(rollout.reason)}",
        "The weekly drift evaluation continues, with a baseline of this version.",
        _unconfirmed(situation),
    )


def _reverted(situation: RolloutSituation) -> RolloutSummary:
    rollout = situation.rollout
    ended = situation.last("reverted")
    by = SYSTEM if ended is None else ended.by
    at = rollout.finished_at or rollout.stage_started_at
    row = situation.wanted
    if situation.version_stage != "candidate":
        candidate = f"Version {rollout.version} is {situation.version_stage} now."
    elif rollout.kind == "rollout":
        candidate = (
            f"Version {rollout.version} is a candidate again; it starts again only by a lead, or "
            "after another evaluation."
        )
    else:
        candidate = f"Version {rollout.version} is a candidate again."
    if situation.is_confirmed and row is not None and row.confirmed_at is not None:
        step = (
            f"All traffic goes to version {situation.stable}; the gateway confirmed it after "
            f"{format_wait(row.confirmed_at - at)}. {candidate}"
        )
    else:
        step = f"All traffic is to go to version {situation.stable}. {candidate}"
    return RolloutSummary(
        "Reverted",
        "warn" if situation.is_confirmed else "bad",
        f"Version {rollout.version} was reverted by {by} {format_instant(at)}: "
        f"{_reason(rollout.reason)}",
        step,
        _unconfirmed(situation),
    )


def _share(situation: RolloutSituation) -> str:
    """Return who has which traffic, by what the gateway has confirmed."""
    rollout, row = situation.rollout, situation.confirmed
    rest = f", version {situation.stable} has the rest"
    if situation.is_confirmed and row is not None and row.confirmed_at is not None:
        since = format_instant(row.confirmed_at)
        return f"Version {rollout.version} has {rollout.weight_percent}% since {since}{rest}."
    if row is None:
        return f"Version {rollout.version} is to have {rollout.weight_percent}%{rest}."
    if row is situation.wanted:
        return f"Version {rollout.version} had {rollout.weight_percent}% when last confirmed."
    return (
        f"Version {rollout.version} is to have {rollout.weight_percent}%; the gateway has "
        f"confirmed {row.canary_percent}%."
    )


def _following(situation: RolloutSituation, plan: RolloutPlan) -> str:
    stage = situation.rollout.stage + 1
    if stage > plan.last_stage or (stage == plan.last_stage and not plan.holdback):
        return "It is completed"
    return f"It moves to {plan.weight(stage)}%"


def _due(situation: RolloutSituation, plan: RolloutPlan) -> datetime | None:
    """Return when the stage's time is over; ``None``: it has not begun."""
    row, rollout = situation.wanted, situation.rollout
    if row is None or row.confirmed_at is None:
        return None
    return rollout.stage_started_at + plan.time_of(rollout.stage)


def _warnings(situation: RolloutSituation) -> tuple[str, ...]:
    warnings = list(_unconfirmed(situation))
    rollout, look, now = situation.rollout, situation.look, situation.now
    if not situation.has_leader:
        warnings.append(
            "No replica leads: nothing is measured, advanced or reverted by itself. Start "
            "`driftwarden run`; `driftwarden rollout revert --now` reverts without it."
        )
    measured = rollout.started_at if look is None else look.hour + timedelta(hours=1)
    if now - measured > LOOK_OVERDUE:
        hours = int((now - measured) / timedelta(hours=1))
        behind = pluralize(hours, "hour")
        advice = "check ingest and daemon: `driftwarden check`."
        warnings.append(
            f"No hour was looked at yet, {behind} after the start; {advice}"
            if look is None
            else f"The newest look is {behind} behind; {advice}"
        )
    return tuple(warnings)


def _unconfirmed(situation: RolloutSituation) -> tuple[str, ...]:
    """Return that the gateway does not have the wanted weights."""
    row = situation.wanted
    if row is None or situation.is_confirmed:
        return ()
    if situation.not_in_force:
        return (f"{_upper(situation.not_in_force)}.",)
    if row.confirmed_at is not None:
        attempts = pluralize(row.attempts, "failed attempt")
        since = format_instant(row.confirmed_at)
        text = f"The gateway, which confirmed the weights {since}, can't be read now"
        return (f"{text}; {attempts}: {row.error}",)
    waiting = max(situation.now - row.created_at, timedelta())
    wanted = (
        f"{row.canary_percent}% at version {row.canary}"
        if row.canary is not None
        else f"all traffic at version {row.stable}"
    )
    if row.error:
        attempts = pluralize(row.attempts, "failed attempt")
        text = f"The gateway has not confirmed {wanted}, wanted for {format_wait(waiting)}"
        return (f"{text}; {attempts}: {row.error}",)
    if waiting < CONFIRMATION_OVERDUE:
        return (f"{_upper(wanted)}: sent to the gateway, which has not confirmed it yet.",)
    return (f"The gateway has not confirmed {wanted}, wanted for {format_wait(waiting)}.",)


def describe_missing(situation: RolloutSituation) -> tuple[str, ...]:
    """Return what keeps a rollout from its next stage: each advance check not shown yet."""
    look, rollout = situation.look, situation.rollout
    if look is None or look.stage != rollout.stage:
        return ("no look at this stage yet",)
    reasons: list[str] = []
    if rollout.status == "holding":
        # The checks have lines of their own.
        reasons = [reason.text for reason in look.reasons if not reason.check]
        names = tuple(f"{check.name}: " for check in look.checks)
        if not look.reasons and not rollout.reason.startswith(names):
            reasons = [rollout.reason]
    slow = {
        reason.check: f"; {reason.text.removeprefix(reason.check + ': ')}"
        for reason in look.reasons
        if reason.code == "slow"
    }
    return (
        *reasons,
        *(
            f"{check.name}: {describe_open(check)}{slow.get(check.name, '')}"
            for check in look.checks
            if check.kind == "advance" and (check.missing or not check.not_worse)
        ),
    )


def describe_not_compared(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Return which metrics are not compared, and why."""
    return tuple(f"{name}: not compared, because {reason}" for name, reason in reasons.items())


def format_wait(wait: timedelta) -> str:
    """Return a time span in its largest useful unit."""
    minutes = max(0, round(wait / timedelta(minutes=1)))
    if minutes < 1:
        return f"{max(0, round(wait.total_seconds()))} s"
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 72:
        return f"{hours} h"
    return f"{round(hours / 24)} days"


def _at(due: datetime, now: datetime) -> str:
    """Return a time, and how long it is until then."""
    if due <= now:
        return "now"
    return f"{format_instant(due)} (in {format_wait(due - now)})"


def _reason(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text}." if text else "no reason was given."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _versions(situation: RolloutSituation) -> str:
    return f"Versions {situation.stable} and {situation.rollout.version}"


def _unknown(situation: RolloutSituation, _plan: RolloutPlan) -> RolloutSummary:
    status = situation.rollout.status
    state = f"A newer release of driftwarden has set the state {status!r}."
    step = "This release does nothing with it: wait for the upgrade of all replicas."
    return RolloutSummary(name_unknown(status), "warn", state, step, _warnings(situation))


_IN_STAGES: Mapping[str, Callable[[RolloutSituation, RolloutPlan], RolloutSummary]] = Words(
    {"running": _running, "holding": _holding, "paused": _paused, "holdback": _holdback},
    lambda _: _unknown,
)
