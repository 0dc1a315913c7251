"""Text of rollouts: status, history and checks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.settings import Sections
    from retrain.rollout.plan import RolloutPlan
    from retrain.rollout.rows.events import RolloutEventRow
    from retrain.rollout.rows.looks import LookRow
    from retrain.rollout.rows.rollouts import RolloutRow
    from retrain.rollout.rows.situations import RolloutSituation
    from retrain.rollout.rows.weights import WeightsRow

#: Unknown labels that are named.
MAX_LABELS = 5
#: Kind of a check that is never shown -> its state while it does not revert.
NEVER_WAITED_FOR = {"limit": "kept", "revert_only": "not waited for"}


@dataclass(frozen=True)
class RolloutStatus:
    """The state of a model's rollout and of its weights."""

    model: str
    rollout: "RolloutRow | None"
    plan: "RolloutPlan | None"
    weights: "WeightsRow | None"
    look: "LookRow | None"
    #: Unknown label -> estimated number of exchanges; empty: without a version.
    labels: Mapping[str, float]
    situation: "RolloutSituation | None"

    def as_json(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        import msgspec

        document: dict[str, Any] = msgspec.to_builtins(
            {
                "model": self.model,
                "rollout": self.rollout,
                "stages": None if self.plan is None else self.plan.stages,
                "weights": self.weights,
                "look": self.look,
                "unknown_labels": self.labels,
                "not_compared": {} if self.situation is None else self.situation.not_compared,
            }
        )
        if document["look"] is not None:
            del document["look"]["evidence"]  # running sums, for the next look
        return document


def read_status(connection: "Connection", settings: "Sections", model: str) -> RolloutStatus:
    """Read the newest rollout of a model, its newest look, and the wanted weights."""
    from datetime import UTC, datetime

    from retrain.rollout.plan import plan_of
    from retrain.rollout.rows.looks import newest_look
    from retrain.rollout.rows.observations import unknown_labels
    from retrain.rollout.rows.rollouts import newest_rollout, open_rollout
    from retrain.rollout.rows.situations import load_situation
    from retrain.rollout.rows.weights import newest_weights

    rollout = open_rollout(connection, model) or newest_rollout(connection, model)
    return RolloutStatus(
        model=model,
        rollout=rollout,
        plan=None if rollout is None else plan_of(rollout, settings.settings_of(model)),
        weights=newest_weights(connection, model),
        look=None if rollout is None else newest_look(connection, rollout.id),
        labels={}
        if rollout is None
        else {
            label: count.estimated_total
            for label, count in unknown_labels(connection, rollout.id).items()
        },
        situation=None
        if rollout is None
        else load_situation(connection, rollout, datetime.now(UTC)),
    )


def status_lines(status: RolloutStatus) -> Iterator[str]:
    """Yield the lines about a model's rollout."""
    rollout, plan = status.rollout, status.plan
    if rollout is None or plan is None:
        yield f"{status.model}: no rollout yet"
    else:
        yield (
            f"{status.model}: {rollout.kind} {rollout.id} of version {rollout.version}, "
            f"{rollout.status} at {rollout.weight_percent}%"
        )
        if status.situation is not None:
            yield from _summary_lines(status.situation, plan)
        yield f"  started:  {rollout.started_at:%Y-%m-%d %H:%M} UTC by {rollout.started_by}"
        if rollout.finished_at is not None:
            yield f"  ended:    {rollout.finished_at:%Y-%m-%d %H:%M} UTC"
        else:
            stages = " -> ".join(f"{percent}%" for percent in plan.stages)
            due = rollout.stage_started_at + plan.time_of(rollout.stage)
            yield (
                f"  stage:    {rollout.stage + 1} of {len(plan.stages)} ({stages}), at least until "
                f"{due:%Y-%m-%d %H:%M} UTC"
            )
        yield f"  reason:   {rollout.reason}"
    if status.weights is not None:
        yield f"  weights:  {_weights(status.weights)}"
    if status.labels:
        yield f"  labels:   {_labels(status.labels)}"
    if status.look is not None:
        yield from _look_lines(status.look)


def _summary_lines(situation: "RolloutSituation", plan: "RolloutPlan") -> Iterator[str]:
    """Yield what a user on call has to know first, as the page says it."""
    from retrain.rollout.wording.summary import summarize_rollout

    of_stages = plan if situation.rollout.kind == "rollout" else None
    summary = summarize_rollout(situation, of_stages)
    yield f"  state:    {summary.state}"
    yield f"  next:     {summary.next}"
    for warning in summary.warnings:
        yield f"  warning:  {warning}"
    for missing in summary.missing:
        yield f"  missing:  {missing}"
    for metric in summary.not_compared:
        yield f"  metric:   {metric}"


def event_lines(rollout: "RolloutRow", events: "list[RolloutEventRow]") -> Iterator[str]:
    """Yield the lines about the history of a rollout."""
    yield f"{rollout.model}: {rollout.kind} {rollout.id} of version {rollout.version}"
    for event in events:
        yield (
            f"  {event.at:%Y-%m-%d %H:%M:%S} UTC  {event.event.replace('_', ' '):9s} "
            f"{event.weight_percent:3d}%  {event.by}: {event.reason}"
        )


def _labels(labels: Mapping[str, float]) -> str:
    """Return the most frequent unknown labels; the exchanges are in no arm."""
    total = sum(labels.values())
    frequent = [
        f"{repr(label) if label else 'none'} ({count:,.0f})"
        for label, count in list(labels.items())[:MAX_LABELS]
    ]
    more = f" and {len(labels) - MAX_LABELS} more" if len(labels) > MAX_LABELS else ""
    return f"about {total:,.0f} exchanges name neither version: {', '.join(frequent)}{more}"


def _weights(row: "WeightsRow") -> str:
    shares = f"version {row.stable} at {100 - row.canary_percent}%"
    if row.canary is not None:
        shares += f", version {row.canary} at {row.canary_percent}%"
    shares += f" (generation {row.generation})"
    if row.error is not None:
        return f"{shares}, NOT applied after {row.attempts} attempts: {row.error}"
    if row.confirmed_at is None:
        return f"{shares}, not confirmed yet"
    return f"{shares}, confirmed {row.confirmed_at:%Y-%m-%d %H:%M:%S} UTC"


def _look_lines(look: "LookRow") -> Iterator[str]:
    seen = "no traffic seen" if look.seen_share is None else f"{look.seen_share:.1%} seen"
    yield (
        f"  look:     {look.action} after the hour from {look.hour:%Y-%m-%d %H:%M} UTC: {seen} at "
        f"{look.weight_percent}%, {look.n_canary} observations of the canary, {look.n_stable} of "
        "stable"
    )
    for check in look.checks:
        yield f"    {_check(check)}"


def _check(check: Mapping[str, Any]) -> str:
    state = (
        "worse"
        if check.get("worse")
        else NEVER_WAITED_FOR[check["kind"]]
        if check["kind"] in NEVER_WAITED_FOR
        else f"missing ({check['missing'].replace('_', ' ')})"
        if check.get("missing")
        else "shown"
        if check.get("not_worse")
        else "not shown"
    )
    figures = ""
    if check.get("loss") is not None and check.get("lower") is not None:
        figures = f"loss {check['loss']:+.3g} [{check['lower']:+.3g}, {check['upper']:+.3g}]"
    margin = f", margin {check['margin']:.3g}" if check.get("margin") is not None else ""
    return f"{check['name']:28s} {check['kind']:11s} {state:24s} {figures}{margin}".rstrip()
