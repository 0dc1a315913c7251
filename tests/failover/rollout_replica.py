"""A replica of the schedule with scaled times and scripted looks, in front of a real gateway."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from monitor.daemon import cycle, schedule
from monitor.daemon.app import stop_on_signals
from monitor.settings import Configuration, Secrets
from monitor.store import leadership
from monitor.store.engine import make_engine, transaction
from monitor.telemetry import Heartbeat, configure_logging
from retrain.rollout.checks.decision import Action
from retrain.rollout.jobs.measurement import RolloutMeasurement
from retrain.rollout.plan import RolloutPlan
from retrain.rollout.rows.looks import HOUR, Look, newest_look
from retrain.rollout.rows.rollouts import RolloutRow

LEASE = timedelta(seconds=1.5)
MODEL = "desk"


def settings_of(url: str, folder: Path, admin: str, listener: str) -> Configuration:
    """Return the configuration of a replica, and of the commands."""
    envoy = {"routes": str(folder / "routes.json"), "admin": [admin], "listeners": [listener]}
    return Configuration(
        models={MODEL: {}},
        database={"url": url},
        monitoring={"large_changes": "off"},
        rollout={
            "min_dwell": "300ms",
            "holdback_time": "300ms",
            "max_hold": "1h",
            "journal": str(folder / "journal"),
            "gateway": "envoy",
            "probe_path": "/v1/models",
            "probe_timeout": "2s",
            "envoy": envoy,
        },
    )


class ScriptedMeasurement(RolloutMeasurement):
    """Looks that follow each other at once: a version in the file ``bad`` is worse."""

    def next_look(self, rollout: RolloutRow, plan: RolloutPlan, now: datetime) -> Look | None:
        """Return the look at the next hour, which need not have passed."""
        with transaction(self.engine) as connection:
            newest = newest_look(connection, rollout.id)
        if newest is not None and now - newest.looked_at < timedelta(milliseconds=100):
            return None
        first = rollout.started_at.replace(minute=0, second=0, microsecond=0)
        bad = Path(self.settings.rollout.journal).with_name("bad").read_text().split()
        action: Action = "wait"
        if str(rollout.version) in bad:
            action = "revert"
        elif now >= rollout.stage_started_at + plan.time_of(rollout.stage):
            action = "advance"
        hour = first if newest is None else newest.hour + HOUR
        return Look(
            rollout_id=rollout.id,
            hour=hour,
            stage=rollout.stage,
            weight_percent=rollout.weight_percent,
            n_canary=100,
            n_stable=400,
            seen_share=None,
            checks=(),
            action=action,
            reason=f"scripted: {action}",
            looked_at=now,
            evidence={},
        )


def run(folder: Path, name: str, url: str, admin: str, listener: str) -> None:
    """Run the schedule until SIGTERM."""
    with (folder / f"{name}.log").open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 2)
    configure_logging()
    schedule.APPLY_EVERY_SECONDS = schedule.ROLL_OUT_EVERY_SECONDS = 0.2  # type: ignore[assignment]
    schedule.BEAT_SECONDS = 0.2
    leadership.MAX_IDLE_SECONDS, leadership.MAX_COMMIT_SECONDS = 3.0, 0.5
    cycle.RolloutMeasurement = ScriptedMeasurement  # type: ignore[misc]
    engine, settings = make_engine(url), settings_of(url, folder, admin, listener)
    with stop_on_signals() as stop:
        body = schedule.prepare(
            engine, settings, Secrets(), heartbeat=Heartbeat("schedule"), stop=stop, lease=LEASE
        )
        body()
    engine.dispose()
