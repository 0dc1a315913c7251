"""Probe runs: planned as rows, sent, continued after a crash, and concluded."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.errors import EndpointUnavailableError, WorkflowError
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.probes.requests import (
    ProbeRow,
    count_probes,
    insert_probes,
    mark_sent,
    pending_probes,
    update_probe,
)
from monitor.store.probes.runs import (
    ProbeRunRow,
    ProbeSetRow,
    claim_run,
    drop_reference,
    insert_run,
    open_run,
    recent_runs,
    reference_runs,
    release_run,
    run_by_id,
    set_by_id,
    update_run,
)
from monitor.telemetry import get_logger
from retrain.probes.addressing import Address, address_of, label_header, version_of_label
from retrain.probes.endpoint import LiveEndpoint, Reply
from retrain.probes.judging import N_REFERENCE, judge_run, record_judgement
from retrain.probes.selection import ProbeItem, current_set, draw_items, items_of, store_set
from retrain.probes.serving import Serving, read_serving

#: Passes of a run: the second shows how much the endpoint differs from itself.
N_PASSES = 2
#: Time from a recorded change to the first run after it.
SETTLE = timedelta(minutes=10)
#: Time between the runs of a reference: eight of them see a day with its load.
REFERENCE_SPACING = timedelta(hours=3)
#: Time from a suspicious run to the one that confirms it.
CONFIRM_AFTER = timedelta(minutes=30)
#: Time from a run without a response to the next.
RETRY_AFTER = timedelta(hours=1)
#: Wait after a failed attempt, doubled each time, and its maximum.
FIRST_WAIT, MAX_WAIT = timedelta(minutes=1), timedelta(minutes=15)
#: Age at which an unfinished run is discarded: its responses would be of different days.
MAX_DURATION = timedelta(hours=6)
#: Time, beyond a request's timeout, for which a process reserves a run.
CLAIM = timedelta(minutes=2)

log = get_logger(__name__)


@dataclass(frozen=True)
class DueRun:
    """A run that should be sent now."""

    role: str
    purpose: str
    due_at: datetime


@dataclass(frozen=True)
class Probing:
    """The probes of one model."""

    engine: Engine
    settings: Settings
    endpoint: LiveEndpoint
    #: Name of this process, which reserves the runs that it sends.
    holder: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def model(self) -> str:
        """The model."""
        return self.settings.model.name

    def advance(self, may_continue: Callable[[], bool] = lambda: True) -> list[int]:
        """Plan the runs that are due, and send open requests; return what this concluded."""
        self._plan_due()
        concluded = []
        for role in ("stable", "canary"):
            with transaction(self.engine) as connection:
                run = open_run(connection, self.model, role)
            if run is not None and run.next_attempt_at <= self.clock() and may_continue():
                concluded += [run.id] if self.continue_run(run.id, may_continue) else []
        return concluded

    def start(self, role: str, purpose: str, due_at: datetime, *, by: str) -> int:
        """Insert a run with all its requests, or return the open one.

        Raises:
            ConfigurationError: There is no evaluation file, or it is malformed.
            InputError: The benchmarks have too few prompts, or can't be read.
            WorkflowError: Two versions get traffic, and no header selects one.
        """
        now = self.clock()
        with transaction(self.engine) as connection:
            probes = current_set(connection, self.settings)
            serving = read_serving(connection, self.settings, now)
            running = open_run(connection, self.model, role)
        if running is not None:
            return running.id
        if not can_probe(self.settings, serving):
            raise WorkflowError(
                f"{self.model}: two versions get traffic, and nothing tells which one responds; "
                "set probes.version_header or probes.response_header, or wait until it ends",
                code="mixed_traffic",
            )
        # Read outside of the transaction: a data set may be far away.
        items = draw_items(self.settings) if probes is None else None
        with transaction(self.engine) as connection:
            if items is not None:
                probes = store_set(connection, self.settings, items, now)
            assert probes is not None  # noqa: S101 - drawn above where none is stored
            running = open_run(connection, self.model, role)
            return (
                running.id
                if running
                else self._insert(connection, probes, serving, DueRun(role, purpose, due_at), by)
            )

    def continue_run(self, run_id: int, may_continue: Callable[[], bool] = lambda: True) -> bool:
        """Send the requests of a run that have no response, and conclude it; return whether it was.

        It isn't where another process sends it, the endpoint is unavailable for now, or the process
        is to end.
        """
        while may_continue():
            now = self.clock()
            with transaction(self.engine) as connection:
                until = now + self.settings.probes.timeout + CLAIM
                if not claim_run(connection, run_id, self.holder, now, until):
                    return False
                run = run_by_id(connection, run_id)
                if now - run.started_at > MAX_DURATION:
                    self._discard(connection, run, "interrupted for too long")
                    return True
                limit = self.settings.probes.max_concurrency
                batch = pending_probes(connection, run_id, limit)
                if not batch:
                    self._conclude(connection, run)
                    return True
                mark_sent(connection, [probe.id for probe in batch], now)
                probes = set_by_id(connection, run.set_id)
            if not self._send(run, probes, batch):
                return self._note_failure(run_id)
        with transaction(self.engine) as connection:
            release_run(connection, run_id, self.holder)
        return False

    def accept(self, reason: str, *, by: str) -> ProbeRunRow:
        """Make the newest run the reference: what is served has changed on purpose.

        Raises:
            WorkflowError: There is no reason, or no finished run.
        """
        if not reason.strip():
            raise WorkflowError("no reason: write one", code="no_reason")
        now = self.clock()
        with transaction(self.engine) as connection:
            runs = recent_runs(connection, self.model, role="stable", statuses=("done",))
            if not runs:
                raise WorkflowError(
                    f"{self.model}: no finished probe run to accept; see `driftwarden probes run`",
                    code="no_probe_run",
                )
            run = runs[0]
            drop_reference(connection, self.model, run.version_id)
            update_run(
                connection,
                run.id,
                is_reference=True,
                verdict="reference",
                accepted_by=by,
                accepted_reason=reason.strip(),
                accepted_at=now,
            )
            details = {"reason": reason.strip(), "verdict": run.verdict, "change": run.change}
            append_entry(connection, now, by, "accept_probes", f"probe_run:{run.id}", details)
            return run

    def _plan_due(self) -> None:
        now = self.clock()
        with transaction(self.engine) as connection:
            due = due_runs(connection, self.settings, now)
        for run in due:
            run_id = self.start(run.role, run.purpose, run.due_at, by="driftwarden")
            log.info("probe_run_started", run=run_id, model=self.model, purpose=run.purpose)

    def _insert(
        self, connection: Connection, probes: ProbeSetRow, serving: Serving, due: DueRun, by: str
    ) -> int:
        now = self.clock()
        version = serving.version_of(due.role)
        version_id = None if version is None else version.id
        run_id = insert_run(
            connection,
            model=self.model,
            role=due.role,
            version_id=version_id,
            set_id=probes.id,
            purpose=due.purpose,
            due_at=due.due_at,
            serving_since=serving.since,
            next_attempt_at=now,
            started_by=by,
            started_at=now,
        )
        items = list(items_of(probes).values())
        order = random.Random(run_id)  # noqa: S311 - an order, so that no two runs share batches
        rows = []
        for number in range(N_PASSES):
            order.shuffle(items)
            rows += [(number, item) for item in items]
        insert_probes(
            connection,
            [
                {
                    "run_id": run_id,
                    "model": self.model,
                    "version_id": version_id,
                    "kind": item.kind,
                    "item": item.key,
                    "pass_number": number,
                    "position": position,
                }
                for position, (number, item) in enumerate(rows)
            ],
        )
        return run_id

    def _send(self, run: ProbeRunRow, probes: ProbeSetRow, batch: Sequence[ProbeRow]) -> bool:
        """Send requests at once and store the responses; return whether all have one."""
        items = items_of(probes)
        address = address_of(self.settings, run.version)

        def ask(probe: ProbeRow) -> Reply | EndpointUnavailableError:
            try:
                return self.endpoint.send(items[probe.item].messages, probes.form, address)
            except EndpointUnavailableError as error:
                return error

        self.endpoint.open()  # once, before the threads
        with ThreadPoolExecutor(len(batch)) as pool:
            replies = list(pool.map(ask, batch))
        now = self.clock()
        errors = [reply for reply in replies if isinstance(reply, EndpointUnavailableError)]
        with transaction(self.engine) as connection:
            for probe, reply in zip(batch, replies, strict=True):
                if isinstance(reply, Reply):
                    columns = self._columns(run, items[probe.item], reply, address)
                    update_probe(connection, probe.id, at=now, **columns)
            if errors:
                update_run(connection, run.id, error=str(errors[0]))
            else:
                update_run(connection, run.id, attempts=0, error=None)
        return not errors

    def _columns(
        self, run: ProbeRunRow, item: ProbeItem, reply: Reply, address: Address
    ) -> dict[str, Any]:
        """Return the columns of a response; one of another version belongs to no comparison."""
        version = version_of_label(self.model, reply.version_label)
        misrouted = None not in {version, run.version} and version != run.version
        misrouted = misrouted or (address.needs_label and version is None)
        return {
            "status": "misrouted" if misrouted else reply.status,
            "response": reply.text,
            "passed": None if misrouted or reply.status == "rejected" else item.passed(reply.text),
            "served_model": reply.served_model or None,
            "latency_seconds": reply.latency_seconds,
            "error": f"responded: {reply.version_label or 'no version'}" if misrouted else None,
        }

    def _note_failure(self, run_id: int) -> bool:
        """Count a failed attempt, and end the run after the last; return whether it has ended."""
        now = self.clock()
        with transaction(self.engine) as connection:
            run = run_by_id(connection, run_id, lock=True)
            attempts = run.attempts + 1
            ends = attempts >= self.settings.probes.max_attempts
            log.warning("probe_attempt_failed", run=run_id, model=self.model, attempts=attempts)
            update_run(
                connection,
                run_id,
                attempts=attempts,
                next_attempt_at=now + min(FIRST_WAIT * (1 << min(attempts - 1, 10)), MAX_WAIT),
                claimed_by=None,
                claimed_until=None,
                **({"status": "unavailable", "finished_at": now} if ends else {}),
            )
        return ends

    def _conclude(self, connection: Connection, run: ProbeRunRow) -> None:
        now = self.clock()
        serving = read_serving(connection, self.settings, now)
        version = serving.version_of(run.role)
        version_id = None if version is None else version.id
        if (version_id, serving.since) != (run.version_id, run.serving_since):
            self._discard(connection, run, "the versions that get traffic changed meanwhile")
            return
        counts = count_probes(connection, run.id)
        total = sum(counts.values())
        if 2 * counts.get("rejected", 0) > total:
            error = "the endpoint rejects the requests: HTTP 4xx; see `driftwarden probes status`"
            update_run(connection, run.id, status="unavailable", finished_at=now, error=error)
            return
        if 2 * counts.get("misrouted", 0) > total:
            self._discard(connection, run, "most responses were of another version")
            return
        update_run(
            connection,
            run.id,
            status="done",
            finished_at=now,
            error=None,
            claimed_by=None,
            claimed_until=None,
        )
        judgement = judge_run(connection, run, serving, now)
        record_judgement(connection, run, judgement)
        comparison = judgement.comparison
        log.info(
            "probe_run_finished",
            run=run.id,
            model=self.model,
            verdict=judgement.verdict,
            change=None if comparison is None else round(comparison.change, 4),
        )

    def _discard(self, connection: Connection, run: ProbeRunRow, reason: str) -> None:
        log.info("probe_run_discarded", run=run.id, model=self.model, reason=reason)
        update_run(connection, run.id, status="discarded", finished_at=self.clock(), error=reason)


def can_probe(settings: Settings, serving: Serving) -> bool:
    """Return whether it can be told which version responds."""
    by_header = settings.probes.version_header or label_header(settings)
    return not serving.is_mixed or bool(by_header)


def due_runs(connection: Connection, settings: Settings, now: datetime) -> list[DueRun]:
    """Return the runs of a model that are due."""
    if not settings.probes.url:
        return []
    serving = read_serving(connection, settings, now)
    if not can_probe(settings, serving):
        return []
    if serving.since is not None and now < serving.since + SETTLE:
        return []
    roles = ["stable"]
    if serving.canary is not None and address_of(settings, serving.canary.version).selects_version:
        roles.append("canary")
    due = (_due_run(connection, settings, serving, role, now) for role in roles)
    return [run for run in due if run is not None]


def last_slot(settings: Settings, now: datetime) -> datetime:
    """Return when a run by the schedule was last due."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=1) + timedelta(hours=settings.probes.hour)
    if first + timedelta(days=1) <= now:
        first += timedelta(days=1)
    return first + (now - first) // settings.probes.interval * settings.probes.interval


def _due_run(
    connection: Connection, settings: Settings, serving: Serving, role: str, now: datetime
) -> DueRun | None:
    """Return the run of a role that is due, by the last one."""
    model = settings.model.name
    if open_run(connection, model, role) is not None:
        return None
    last = next(iter(recent_runs(connection, model, role=role)), None)
    if last is None or last.finished_at is None:
        return DueRun(role, "reference", now)
    purpose, wait = _next_purpose(connection, settings, serving, last)
    if purpose and last.finished_at + wait <= now:
        return DueRun(role, purpose, now)
    slot = last_slot(settings, now)
    waits = last.status == "unavailable" or last.verdict == "suspected"
    return DueRun(role, "schedule", slot) if slot > last.started_at and not waits else None


def _next_purpose(
    connection: Connection, settings: Settings, serving: Serving, last: ProbeRunRow
) -> tuple[str, timedelta]:
    """Return for which purpose, and how long after a run, the next one is due before its slot."""
    version = serving.version_of(last.role)
    version_id = None if version is None else version.id
    probes = current_set(connection, settings)
    if last.status == "unavailable":
        return "schedule", RETRY_AFTER
    if last.status == "discarded":
        return "schedule", timedelta()
    if probes is None or (last.version_id, last.set_id) != (version_id, probes.id):
        return "reference", timedelta()
    if last.verdict == "suspected":
        return "confirmation", CONFIRM_AFTER
    runs = reference_runs(connection, settings.model.name, probes.id)
    if sum(run.version_id == version_id for run in runs) < N_REFERENCE:
        return "reference", REFERENCE_SPACING
    return "", timedelta()
