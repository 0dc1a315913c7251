"""Rollouts of the demo: hours of traffic through the gateway, ingest, and the daemon's steps."""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.demo.live.gateway import LiveGateway
from monitor.demo.production import (
    RESOLVED_IF_CORRECT,
    RESOLVED_IF_WRONG,
    conversation,
    write_log,
)
from monitor.demo.workspace import Workspace
from monitor.errors import TransientError
from monitor.scheduling.complete_traffic import LATE_RECORDS
from monitor.store.engine import transaction
from monitor.traffic.file_replay import replay_file
from monitor.traffic.sampling.observation_plan import build_plan
from retrain.rollout.emergency.canary_probes import CanaryProbes
from retrain.rollout.jobs.measurement import RolloutMeasurement
from retrain.rollout.jobs.rollouts import Rollouts
from retrain.rollout.rows.events import RolloutEventRow, list_events
from retrain.rollout.rows.observed_rollout import ObservedRollout
from retrain.rollout.rows.rollouts import RolloutRow, rollout_by_id
from retrain.rollout.transitions.start import start_rollout

HOUR = timedelta(hours=1)
#: Hours after which a rollout that has not ended is left.
MAX_HOURS = 24 * 10


@dataclass(frozen=True)
class Question:
    """A held-out request with the response of each version, from the candidate evaluation."""

    prompt: str
    task_type: str
    expected: str
    #: Number of a version -> its response.
    responses: Mapping[int, str]


@dataclass
class RolloutOutcome:
    """The outcome of a rollout."""

    rollout: RolloutRow
    events: list[RolloutEventRow]
    n_hours: int
    #: Requests by version, and failed ones.
    n_requests: Counter[int] = field(default_factory=Counter)
    n_failed: int = 0

    @property
    def highest_percent(self) -> int:
        """The largest share that the canary had."""
        return max(event.weight_percent for event in self.events)


def read_questions(responses: Path, systems: Mapping[str, int]) -> list[Question]:
    """Read the requests of a candidate evaluation.

    ``systems`` has the number of the version of each system.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in responses.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["by"] in systems:
            rows.setdefault(row["id"], []).append(row)
    return [
        Question(
            prompt=of_item[0]["messages"][-1]["content"],
            task_type=of_item[0]["task_type"],
            expected=of_item[0]["expected"],
            responses={systems[row["by"]]: row["response"] for row in of_item},
        )
        for of_item in rows.values()
    ]


@dataclass(frozen=True)
class LiveTraffic:
    """Simulated users, who send their requests through a gateway."""

    workspace: Workspace
    live: LiveGateway
    questions: Sequence[Question]
    requests_per_hour: int
    seed: int

    def roll_out(
        self, version_id: int, start: datetime, progress: Callable[[str], None]
    ) -> RolloutOutcome:
        """Roll a version out, hour by hour, until the rollout has ended.

        ``progress`` is called with the state after each hour.
        """
        engine, settings = self.workspace.engine, self.workspace.settings
        measurement = RolloutMeasurement(engine, self.workspace.configuration, start)
        gateway = self.live.gateway
        rollouts = Rollouts(
            engine,
            self.workspace.configuration,
            gateway,
            measurement.next_look,
            CanaryProbes(engine, gateway),
        )
        with transaction(engine) as connection:
            rollout = start_rollout(connection, version_id, settings, start, by="lead")
        rollouts.apply(start)
        outcome = RolloutOutcome(rollout, [], 0)
        while outcome.rollout.is_open and outcome.n_hours < MAX_HOURS:
            begin = start + outcome.n_hours * HOUR
            self._send_hour(outcome, begin)
            outcome.n_hours += 1
            now = begin + HOUR + LATE_RECORDS
            rollouts.apply(now)
            rollouts.probe(now)
            rollouts.look([settings], now)
            with transaction(engine) as connection:
                outcome.rollout = rollout_by_id(connection, rollout.id)
                outcome.events = list_events(connection, rollout.id)
            progress(f"hour {outcome.n_hours}: {outcome.rollout.weight_percent}%")
        return outcome

    def _send_hour(self, outcome: RolloutOutcome, begin: datetime) -> None:
        """Send an hour's requests, and read their log as if it came from Kafka."""
        rng = random.Random(f"{self.seed}/{begin.isoformat()}")
        log = []
        for number in range(self.requests_per_hour):
            question = rng.choice(self.questions)
            user = f"customer-{rng.randrange(40_000):05d}"
            try:
                version, response = self.live.send(question.prompt, user)
            except TransientError:
                outcome.n_failed += 1
                continue
            outcome.n_requests[version] += 1
            is_correct = response.strip() == question.expected
            likely = RESOLVED_IF_CORRECT if is_correct else RESOLVED_IF_WRONG
            log.append(
                {
                    "id": f"live-{outcome.rollout.id}-{begin:%d%H}-{number:05d}",
                    "timestamp": (begin + HOUR * number / self.requests_per_hour).isoformat(),
                    "model": self.workspace.model,
                    "task_type": question.task_type,
                    "user": user,
                    "prompt": conversation(question.prompt),
                    "response": response,
                    "metadata": {
                        "model_version": str(version),
                        "resolved": rng.random() < likely,
                    },
                }
            )
        path = self.workspace.folder / "live" / f"{begin:%Y-%m-%dT%H}.jsonl"
        path.parent.mkdir(exist_ok=True)
        write_log(path, log)
        rollout = outcome.rollout
        observed = ObservedRollout(
            id=rollout.id,
            model=rollout.model,
            canary=rollout.version,
            stable=next(version for version in outcome.n_requests if version != rollout.version),
            weight_percent=rollout.weight_percent,
            started_at=rollout.started_at,
        )
        replay_file(
            self.workspace.engine,
            self.workspace.configuration,
            self.workspace.encoder,
            path,
            plan=build_plan(self.workspace.configuration, [observed]),
        )
