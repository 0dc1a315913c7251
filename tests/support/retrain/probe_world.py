"""A model with an evaluation file, versions, and probes of a live endpoint in simulated time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitor.alerts.incidents import clear, report
from monitor.daemon.conditions.of_models import OF_MODELS
from monitor.scheduling.condition_check import CLEAR, ConditionCheck, Holds
from monitor.settings import Settings
from monitor.settings.models.table import ModelSection
from monitor.settings.monitoring import Probes
from monitor.settings.retrain import Retrain
from monitor.store.alerts.incidents import IncidentRow, unresolved_incidents
from monitor.store.engine import transaction
from monitor.store.probes.runs import ProbeRunRow, recent_runs
from retrain.probes.endpoint import LiveEndpoint
from retrain.probes.runs import Probing
from retrain.registry.stages import promote, register_version
from tests.services.live_endpoint import FakeEndpoint

START = datetime(2026, 11, 2, 5, tzinfo=UTC)
CONDITIONS = {
    cause: OF_MODELS[cause]
    for cause in ("served_model_changed", "promotion_not_served", "probes_unanswered")
}


def write_evaluation(folder: Path, n: int = 24, n_harmful: int = 6) -> Path:
    """Write an evaluation file with two benchmarks."""
    items = [
        {"id": f"q{k}", "messages": [{"role": "user", "content": f"question {k} of the desk"}],
         "expected": "yes", "task_type": f"type {k % 3}"}
        for k in range(n)
    ]  # fmt: skip
    harmful = [
        {"id": f"h{k}", "messages": [{"role": "user", "content": f"harm number {k}"}],
         "harmful": True}
        for k in range(n_harmful)
    ]  # fmt: skip
    for name, rows in (("desk", items), ("safety", harmful)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    file = folder / "evaluation.yaml"
    file.write_text(
        "evaluation:\n  benchmarks:\n"
        "    - name: desk\n      dataset: desk.jsonl\n      metrics: [exact_match]\n"
        "    - name: safety\n      dataset: safety.jsonl\n      metrics: [refusal_rate]\n"
        "      threshold:\n        refusal_rate: '>= 0.9'\n",
        encoding="utf-8",
    )
    return file


class ProbeWorld:
    """A model "desk" whose endpoint is probed."""

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        live: FakeEndpoint,
        *,
        name: str = "desk",
        start: datetime = START,
        sockets: bool = False,
        **probes: Any,
    ) -> None:
        self.engine = engine
        self.now, self.name = start, name
        #: Name of the process.
        self.holder = "leader"
        self._live, self._sockets = live, sockets
        # 48 requests in three batches.
        options = {"prompts": 24, "timeout": "5s", "max_attempts": 3, "max_concurrency": 16}
        options |= probes
        self.settings = Settings(
            model=ModelSection(name=name, system_prompt="Be brief."),
            retrain=Retrain(evaluation=str(write_evaluation(folder))),
            probes=Probes(url=live.url, model="desk-live", **options),
        )

    def probing(self, holder: str = "") -> Probing:
        transport = None if self._sockets else self._live.transport()
        endpoint = LiveEndpoint(self.settings.probes, transport=transport)
        return Probing(
            self.engine, self.settings, endpoint, holder or self.holder, lambda: self.now
        )

    def advance(self, hours: float = 0.0, may_continue: Callable[[], bool] = lambda: True) -> None:
        """Let time pass, and do what the leader does every hour."""
        until = self.now + timedelta(hours=hours)
        while True:
            probing = self.probing()
            concluded = probing.advance(may_continue)
            probing.endpoint.close()
            if concluded or self.now >= until:
                self.watch()
            if self.now >= until:
                return
            self.now = min(until, self.now + timedelta(hours=1))

    def watch(self, *, started_at: datetime | None = None) -> None:
        """Check the conditions of probes, as the leader does every minute.

        The daemon was started at a time, by default now.
        """
        alerts, started_at = self.settings.alerts, started_at or self.now
        with transaction(self.engine) as connection:
            for cause, condition in CONDITIONS.items():
                result = condition(ConditionCheck(connection, self.settings, self.now, started_at))
                if isinstance(result, Holds):
                    report(
                        connection, cause, self.name, self.now, text=result.text, keys=result.keys,
                        alerts=alerts,
                    )  # fmt: skip
                elif result is CLEAR:
                    clear(connection, cause, self.name, self.now, alerts=alerts)

    def version(self) -> int:
        """Register the next version and return its id."""
        with transaction(self.engine) as connection:
            return register_version(
                connection, model=self.name, adapter_path="a", adapter_digest="sha256:a",
                now=self.now, lineage={},
            )  # fmt: skip

    def promote(self, version: int) -> None:
        with transaction(self.engine) as connection:
            promote(connection, version, changed_by="lea", reason="better", now=self.now)

    @property
    def runs(self) -> list[ProbeRunRow]:
        """The finished runs, the oldest first."""
        with transaction(self.engine) as connection:
            return recent_runs(connection, self.name, limit=1000)[::-1]

    @property
    def verdicts(self) -> list[str | None]:
        return [run.verdict or run.status for run in self.runs]

    def incidents(self) -> dict[str, IncidentRow]:
        """The unresolved incidents of probes by cause."""
        with transaction(self.engine) as connection:
            rows = unresolved_incidents(connection)
        return {row.cause: row for row in rows if row.cause in CONDITIONS}
