"""Text of rollouts: status, history and checks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from monitor.settings import Configuration
    from retrain.rollout.emergency.in_force import InForce
    from retrain.rollout.plan import RolloutPlan
    from retrain.rollout.rows.events import RolloutEventRow
    from retrain.rollout.rows.looks import Look
    from retrain.rollout.rows.rollouts import RolloutRow
    from retrain.rollout.rows.situations import RolloutSituation
    from retrain.rollout.rows.weights import WeightsRow

#: Unknown labels that are named.
MAX_LABELS = 5


@dataclass(frozen=True)
class RolloutStatus:
    """The state of a model's rollout and of its weights."""

    model: str
    weights: "WeightsRow | None"
    #: Of the newest rollout; ``None``: there was none.
    situation: "RolloutSituation | None" = None
    plan: "RolloutPlan | None" = None
    #: Unknown label -> estimated number of exchanges; empty: without a version.
    labels: Mapping[str, float] = field(default_factory=dict)
    #: At the gateway now; ``None``: nothing was read there.
    in_force: "InForce | None" = None

    @property
    def not_in_force(self) -> str:
        """Why the wanted weights are not known to be in force now."""
        rollout = None if self.situation is None else self.situation.rollout
        started_at = rollout.started_at if rollout is not None and rollout.is_open else None
        return "" if self.in_force is None else self.in_force.contradict(self.weights, started_at)

    def compared_with(self, in_force: "InForce") -> "RolloutStatus":
        """Return the status with what is in force now."""
        status = replace(self, in_force=in_force)
        situation = self.situation
        if situation is None or self.weights is None or situation.wanted != self.weights:
            return status
        return replace(status, situation=replace(situation, not_in_force=status.not_in_force))

    def as_json(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        import msgspec

        from retrain.rollout.rows.looks import look_document

        situation = self.situation
        document: dict[str, Any] = msgspec.to_builtins(
            {
                "model": self.model,
                "rollout": None if situation is None else situation.rollout,
                "stages": None if self.plan is None else self.plan.stages,
                "weights": self.weights,
                "in_force": self.in_force,
                "not_in_force": self.not_in_force,
                "look": None if situation is None else look_document(situation.look),
                "unknown_labels": self.labels,
                "not_compared": {} if situation is None else situation.not_compared,
            }
        )
        return document


def read_status(connection: "Connection", model: str) -> RolloutStatus:
    """Read the newest rollout of a model, its newest look, and the wanted weights."""
    from datetime import UTC, datetime

    from retrain.rollout.plan import plan_of
    from retrain.rollout.rows.observations import unknown_labels
    from retrain.rollout.rows.rollouts import newest_rollout, open_rollout
    from retrain.rollout.rows.situations import load_situation
    from retrain.rollout.rows.weights import newest_weights

    rollout = open_rollout(connection, model) or newest_rollout(connection, model)
    weights = newest_weights(connection, model)
    if rollout is None:
        return RolloutStatus(model, weights)
    labels = unknown_labels(connection, rollout.id)
    return RolloutStatus(
        model,
        weights,
        load_situation(connection, rollout, datetime.now(UTC)),
        plan_of(rollout),
        {label: count.estimated_total for label, count in labels.items()},
    )


def status_reader(
    engine: "Engine", configuration: "Configuration"
) -> Callable[[str], RolloutStatus]:
    """Return a function that reads a model's status, and what is in force at the gateway."""
    from pathlib import Path

    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from retrain.rollout.emergency.in_force import read_in_force
    from retrain.rollout.gateways.factory import create_gateway

    gateway = create_gateway(configuration, load_secrets(), engine)
    journal = Path(configuration.rollout.journal)

    def read(model: str) -> RolloutStatus:
        with transaction(engine) as connection:
            status = read_status(connection, model)
        return status.compared_with(read_in_force(gateway, journal, model))

    return read


def status_lines(status: RolloutStatus) -> Iterator[str]:
    """Yield the lines about a model's rollout."""
    situation, plan = status.situation, status.plan
    if situation is None or plan is None:
        yield f"{status.model}: no rollout yet"
    else:
        rollout = situation.rollout
        at = f"{rollout.status} at {rollout.weight_percent}%"
        if situation.not_in_force:
            at = f"{rollout.status}, {rollout.weight_percent}% wanted, NOT known to be in force"
        yield f"{status.model}: {rollout.kind} {rollout.id} of version {rollout.version}, {at}"
        yield from _summary_lines(situation, plan)
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
    if status.in_force is not None and status.in_force.is_read:
        yield f"  gateway:  {status.in_force.text}"
    if status.labels:
        yield f"  labels:   {_labels(status.labels)}"
    if situation is not None and situation.look is not None:
        yield from _look_lines(situation.look, is_waited=situation.is_waited)


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


def _look_lines(look: "Look", *, is_waited: bool) -> Iterator[str]:
    seen = "no traffic seen" if look.seen_share is None else f"{look.seen_share:.1%} seen"
    yield (
        f"  look:     {look.action} after the hour from {look.hour:%Y-%m-%d %H:%M} UTC: {seen} at "
        f"{look.weight_percent}%, {look.n_canary} observations of the canary, {look.n_stable} of "
        "stable"
    )
    yield from check_lines(look, is_waited=is_waited)


def check_lines(look: "Look", *, is_waited: bool = True) -> Iterator[str]:
    """Yield a line for each check of a look, those that need someone first."""
    from retrain.rollout.wording.checks import describe_check, sort_checks

    for check in sort_checks(look.checks):
        yield f"    {check.name}: {describe_check(check, is_waited=is_waited)}"
