"""Verdict on a rollout, for a controller that sets the weights itself, such as Argo Rollouts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from retrain.rollout.rows.looks import Look, newest_look
from retrain.rollout.rows.rollouts import RolloutRow, newest_rollout, open_rollout

Word = Literal["advance", "wait", "hold", "revert"]

#: A look that ended longer ago says nothing about now.
STALE = timedelta(hours=3)


@dataclass(frozen=True)
class Verdict:
    """The instruction to a controller about the canary's traffic."""

    #: ``advance``: the canary may have the share; ``wait``: its time is not over; ``hold``:
    #: something is missing; ``revert``: the canary is to have no traffic.
    verdict: Word
    #: Why.
    reason: str
    #: Id of the rollout; ``None``: there is none.
    rollout: int | None = None
    version: int | None = None
    #: The share that it wants.
    weight_percent: int | None = None
    #: End of the newest hour that was looked at.
    looked_until: datetime | None = None


def read_verdict(
    connection: Connection,
    model: str,
    now: datetime,
    *,
    version: int | None = None,
    percent: int | None = None,
) -> Verdict:
    """Return the verdict on a model's rollout. Without one, it is ``hold``.

    Without the controller's canary, the version is that of the newest rollout. Without the share
    that it would set next, the verdict is never ``advance``: a controller that has followed an
    advance would follow it again.
    """
    rollout = open_rollout(connection, model) or newest_rollout(connection, model)
    if rollout is None:
        return Verdict("hold", "no rollout has been started")
    if version is not None and rollout.version != version:
        return Verdict("hold", f"no rollout of version {version} is open")
    look = newest_look(connection, rollout.id)
    verdict, reason = _decide(rollout, look, now, version=version, percent=percent)
    return Verdict(
        verdict,
        reason,
        rollout=rollout.id,
        version=rollout.version,
        weight_percent=rollout.weight_percent,
        looked_until=None if look is None else look.end,
    )


def _decide(
    rollout: RolloutRow,
    look: Look | None,
    now: datetime,
    *,
    version: int | None,
    percent: int | None,
) -> tuple[Word, str]:
    if rollout.status == "reverted":
        return "revert", rollout.reason
    if rollout.status == "completed" and version is not None:
        return "advance", rollout.reason
    obstacle = _obstacle(rollout, look, now)
    if obstacle:
        return "hold", obstacle
    if percent is None:
        return "hold", "name the share that you would set next: percent"
    if rollout.status == "holdback" or rollout.weight_percent >= percent:
        return "advance", f"{rollout.weight_percent}% is wanted: {rollout.reason}"
    return "wait" if rollout.status == "running" else "hold", rollout.reason


def _obstacle(rollout: RolloutRow, look: Look | None, now: datetime) -> str:
    """Return what forbids an advance whatever the share; empty: nothing."""
    if rollout.kind != "rollout":
        return "an experiment is open"
    if rollout.status == "completed":  # a later canary must not profit from it
        return f"the rollout of version {rollout.version} is completed; name the version"
    if rollout.status == "paused":
        return f"paused: {rollout.reason}"
    if look is not None and now - look.end > STALE:
        return f"nothing was measured since {look.end:%Y-%m-%d %H:%M} UTC"
    return ""
