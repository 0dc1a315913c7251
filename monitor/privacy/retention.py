"""Removal by age, and the upkeep of vector blocks: small steps, each a short transaction.

A step touches at most a thousand rows, so that ingest, the page and evaluations never wait long.
Stopped at any moment, the next run goes on.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, Engine

from monitor.privacy.quotes import REMOVED, Quotes
from monitor.settings import Retention
from monitor.store.alerts.outbox import messages_created_before, replace_payload
from monitor.store.audit_log import append_entry, last_entry_at
from monitor.store.engine import transaction
from monitor.store.privacy import deletion
from monitor.store.privacy.deletion import evaluations_against
from monitor.store.traffic.compaction import (
    blocks_with_dead_rows,
    drop_dead_rows,
    groups_to_merge,
    lock_blocks,
    merge_blocks,
)
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    evaluations_ended_before,
    replace_assessment,
)
from monitor.store.windows.prompt_maps import prompt_map, save_prompt_map
from monitor.store.windows.sample_scores import save_sample_scores
from monitor.telemetry import get_logger

Thing = TypeVar("Thing")

ROWS_PER_STEP = 1000
#: A letter that was replayed has its place among the exchanges.
REPLAYED_KEPT = timedelta(days=1)
#: Blocks are joined once no evaluation or replay is likely to be at work on their batch.
BLOCKS_REST = timedelta(days=1)
EVERY = timedelta(days=1)
ACTION = "retention"

log = get_logger(__name__)


def is_due(engine: Engine, now: datetime) -> bool:
    """Return whether the last run was a day ago or longer."""
    with transaction(engine) as connection:
        last = last_entry_at(connection, ACTION)
    return last is None or now - last >= EVERY


def apply_retention(
    engine: Engine,
    retention: Retention,
    now: datetime,
    *,
    stop: threading.Event | None = None,
    rows_per_step: int = ROWS_PER_STEP,
) -> Counter[str]:
    """Remove what is older than the settings allow, and tend the vector blocks.

    Args:
        engine: The database.
        retention: How long rows are kept; ``None`` keeps them.
        now: Ages are counted back from it.
        stop: Ends the run after the step under way; the rest is done next time.
        rows_per_step: At most so many rows in a transaction.

    Returns:
        What was removed, by table; also ``vectors`` and ``blocks joined``.
    """
    run = _Run(engine, now, stop or threading.Event(), rows_per_step)
    if retention.exchanges:
        before = now - retention.exchanges
        run.exchanges(before, reviewed=False)
        run.quotes(before)
    if retention.reviews:
        run.exchanges(now - retention.reviews, reviewed=True)
    if retention.baselines:
        run.baselines(now - retention.baselines)
    run.dead_letters(retention.dead_letters)
    run.blocks()
    removed = Counter({name: n for name, n in run.removed.items() if n})
    if not run.stop.is_set():
        with transaction(engine) as connection:
            append_entry(connection, now, "driftwarden", ACTION, "database", dict(removed))
    if removed:
        log.info("retention applied", **{name.replace(" ", "_"): n for name, n in removed.items()})
    return removed


class _Run:
    def __init__(
        self, engine: Engine, now: datetime, stop: threading.Event, rows_per_step: int
    ) -> None:
        self.engine = engine
        self.now = now
        self.stop = stop
        self.rows_per_step = rows_per_step
        self.removed: Counter[str] = Counter()

    def exchanges(self, before: datetime, *, reviewed: bool) -> None:
        after: deletion.Mark | None = None
        while not self.stop.is_set():
            with self._step() as connection:
                expired = deletion.expired_exchanges(
                    connection, before, reviewed=reviewed, after=after, limit=self.rows_per_step
                )
                self.removed += deletion.delete_exchanges(connection, [id_ for _, id_ in expired])
            if len(expired) < self.rows_per_step:
                return
            after = expired[-1]

    def quotes(self, before: datetime) -> None:
        """Take what evaluations and messages quote of the exchanges that went."""
        with transaction(self.engine) as connection:
            evaluations = evaluations_ended_before(connection, before)
            messages = messages_created_before(connection, before)
        for evaluation_id in self._while_running(evaluations):
            with transaction(self.engine) as connection:
                self.removed["quotes"] += _age_evaluation(connection, evaluation_id)
        for message_id in self._while_running(messages):
            with transaction(self.engine) as connection:
                replace_payload(connection, message_id, {"text": REMOVED, "blocks": []})
            self.removed["outbox"] += 1

    def dead_letters(self, age: timedelta | None) -> None:
        before = self.now - age if age else None
        lost: Counter[str] = Counter()
        while not self.stop.is_set():
            with transaction(self.engine) as connection:
                gone = deletion.delete_expired_letters(
                    connection, before, self.now - REPLAYED_KEPT, self.rows_per_step
                )
            lost.update(gone)
            if sum(gone.values()) < self.rows_per_step:
                break
        self.removed["dead_letters"] += lost.total()
        del lost["replayed"]
        if lost:
            log.warning("dead letters that were never replayed are gone", **lost)

    def baselines(self, before: datetime) -> None:
        with transaction(self.engine) as connection:
            expired = deletion.expired_baselines(connection, before)
        for baseline_id in self._while_running(expired):
            self._baseline_quotes(baseline_id)
            while not self.stop.is_set():
                with self._step() as connection:
                    ids = deletion.exchanges_of_baseline(
                        connection, baseline_id, self.rows_per_step
                    )
                    self.removed += deletion.delete_exchanges(connection, ids)
                    if not ids:
                        deletion.delete_empty_baseline(connection, baseline_id)
                        self.removed["baselines"] += 1
                        break

    def _baseline_quotes(self, baseline_id: int) -> None:
        with transaction(self.engine) as connection:
            quoting = evaluations_against(connection, [baseline_id])
        for evaluation_id in self._while_running(quoting):
            with transaction(self.engine) as connection:
                self.removed["quotes"] += _forget_baseline(connection, evaluation_id)

    def blocks(self) -> None:
        """Drop the vectors of exchanges that are gone; join small blocks."""
        while True:
            with transaction(self.engine) as connection:
                dead = blocks_with_dead_rows(connection)
            for block_id in self._while_running(dead):
                with self._step() as connection:
                    self.removed["vectors"] += drop_dead_rows(connection, block_id)
            if not dead or self.stop.is_set():
                break
        while not self.stop.is_set():
            with transaction(self.engine) as connection:
                groups = groups_to_merge(connection, self.now - BLOCKS_REST)
            n_joined = 0
            for group in self._while_running(groups):
                with self._step() as connection:
                    n_joined += len(group) if merge_blocks(connection, group) else 0
            self.removed["blocks joined"] += n_joined
            if not n_joined:
                return

    @contextmanager
    def _step(self) -> Iterator[Connection]:
        with transaction(self.engine) as connection:
            lock_blocks(connection)
            yield connection

    def _while_running(self, things: Iterable[Thing]) -> Iterator[Thing]:
        for thing in things:
            if self.stop.is_set():
                return
            yield thing


def _age_evaluation(connection: Connection, evaluation_id: int) -> int:
    """Take the quotes out of an evaluation; its figures stay."""
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    save_sample_scores(connection, evaluation_id, None)
    drawn = prompt_map(connection, evaluation_id)
    if drawn is not None:
        save_prompt_map(connection, evaluation_id, drawn.nameless())
    return _remove_quotes(connection, evaluation, Quotes.of_assessment)


def _forget_baseline(connection: Connection, evaluation_id: int) -> int:
    """Take what an evaluation quotes of its baseline."""
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    return _remove_quotes(connection, evaluation, Quotes.of_baseline)


def _remove_quotes(
    connection: Connection, evaluation: DriftEvaluationRow, which: Callable[[Assessment], Quotes]
) -> int:
    if evaluation.assessment is None:
        return 0
    assessment, n_removed = which(evaluation.assessment).remove_from(evaluation.assessment)
    if n_removed:
        replace_assessment(connection, evaluation.id, assessment)
    return n_removed
