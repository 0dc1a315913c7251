"""Retention: erasure by age, and compaction of embedding blocks, in short transactions.

A step touches at most a thousand rows, so that ingest, the page and evaluations never wait long.
After an interruption the next run resumes. The periods are in :mod:`monitor.settings.retention`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from monitor.privacy.erasure.quotes import Quotes
from monitor.privacy.retention.expired_files import remove_export, remove_run_files
from monitor.settings import Retention
from monitor.store.access_chain import expire_links
from monitor.store.alerts.outbox import empty_message, messages_created_before
from monitor.store.audit_log import append_entry, last_entry_at
from monitor.store.engine import transaction
from monitor.store.privacy import deletion
from monitor.store.privacy.deletion import evaluations_of_baselines
from monitor.store.privacy.expired_files import expired_exports, expired_runs
from monitor.store.privacy.expiry import (
    EXPIRED_COLUMNS,
    EXPIRED_ROWS,
    delete_rows,
    erase_columns,
)
from monitor.store.probes.runs import erase_responses
from monitor.store.search.index import rewrite_index
from monitor.store.traffic.compaction import (
    blocks_with_dead_rows,
    drop_dead_rows,
    groups_to_merge,
    lock_blocks,
    merge_blocks,
)
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import (
    drift_evaluation_by_id,
    evaluations_ended_before,
    replace_assessment,
)
from monitor.store.windows.looks import anonymize_looks
from monitor.store.windows.prompt_maps import prompt_map, save_prompt_map
from monitor.store.windows.sample_scores import save_sample_scores
from monitor.telemetry import get_logger

T = TypeVar("T")

ROWS_PER_STEP = 1000
#: Age at which replayed dead letters are removed: they are stored as exchanges.
REPLAYED_AGE = timedelta(days=1)
#: Age at which blocks are merged, when no evaluation or replay uses their batch any more.
MERGE_AGE = timedelta(days=1)
INTERVAL = timedelta(days=1)
ACTION = "retention"

log = get_logger(__name__)


class ErasingStep(Protocol):
    """A step of an erasure by age."""

    def __call__(self, connection: Connection, *, before: datetime, limit: int) -> int:
        """Erase rows, or what they hold; return the number of rows."""


def is_due(engine: Engine, now: datetime) -> bool:
    """Return whether the last run was at least a day ago."""
    with transaction(engine) as connection:
        last = last_entry_at(connection, ACTION)
    return last is None or now - last >= INTERVAL


def apply_retention(
    engine: Engine,
    retention: Retention,
    now: datetime,
    *,
    may_continue: Callable[[], bool] = lambda: True,
    rows_per_step: int = ROWS_PER_STEP,
) -> Counter[str]:
    """Remove rows that are older than the settings allow, and compact the embedding blocks.

    A period of ``None`` keeps the rows; ages are counted back from ``now``. ``may_continue`` is
    called before each step; ``False`` ends the run, and the next one resumes. A transaction has at
    most ``rows_per_step`` rows. Return the number of rows removed by table, and the numbers of
    ``vectors`` removed and ``blocks merged``.
    """
    run = _Run(engine, now, may_continue, rows_per_step)
    steps: Sequence[tuple[timedelta | None, Callable[[datetime], None]]] = (
        (retention.exchanges, partial(run.exchanges, reviewed=False)),
        (retention.exchanges, run.quotes),
        (retention.reviews, partial(run.exchanges, reviewed=True)),
        (retention.baselines, partial(run.baselines, current=False)),
        (retention.current_baselines, partial(run.baselines, current=True)),
        (retention.exchanges, run.messages),
        (retention.messages, run.messages),
        (retention.probes, partial(run.in_steps, "probe responses", erase_responses)),
        (retention.access_log, run.access_links),
        *(
            (
                getattr(retention, expiry.period),
                partial(run.in_steps, expiry.table.name, partial(erase, number=number)),
            )
            for erase, expiries in ((delete_rows, EXPIRED_ROWS), (erase_columns, EXPIRED_COLUMNS))
            for number, expiry in enumerate(expiries)
        ),
        (retention.run_files, run.run_files),
        (retention.exports, run.exports),
    )
    for age, step in steps:
        if age is not None:
            step(now - age)
    run.dead_letters(retention.dead_letters)
    run.blocks()
    run.words()
    removed = Counter({name: n for name, n in run.removed.items() if n})
    if run.may_continue():
        with transaction(engine) as connection:
            append_entry(connection, now, "driftwarden", ACTION, "database", dict(removed))
    if removed:
        log.info("retention_applied", **{name.replace(" ", "_"): n for name, n in removed.items()})
    return removed


class _Run:
    """One application of the retention periods."""

    def __init__(
        self, engine: Engine, now: datetime, may_continue: Callable[[], bool], rows_per_step: int
    ) -> None:
        self.engine = engine
        self.now = now
        self.may_continue = may_continue
        self.rows_per_step = rows_per_step
        self.removed: Counter[str] = Counter()

    def exchanges(self, before: datetime, *, reviewed: bool) -> None:
        """Delete exchanges that were queued for review, or those that never were."""
        after: deletion.AgeCursor | None = None
        while self.may_continue():
            with self._step() as connection:
                expired = deletion.expired_exchanges(
                    connection, before, reviewed=reviewed, after=after, limit=self.rows_per_step
                )
                self.removed += deletion.delete_exchanges(connection, [id_ for _, id_ in expired])
            if len(expired) < self.rows_per_step:
                return
            after = expired[-1]

    def quotes(self, before: datetime) -> None:
        """Remove the quotes of expired exchanges from evaluations and looks."""
        with transaction(self.engine) as connection:
            evaluations = evaluations_ended_before(connection, before)
            self.removed["quotes"] += anonymize_looks(connection, before)
        for evaluation_id in self._while_running(evaluations):
            with transaction(self.engine) as connection:
                self.removed["quotes"] += _anonymize_evaluation(connection, evaluation_id)

    def messages(self, before: datetime) -> None:
        """Remove the content of messages, sent or not."""
        with transaction(self.engine) as connection:
            messages = messages_created_before(connection, before)
        for message_id in self._while_running(messages):
            with transaction(self.engine) as connection:
                empty_message(connection, message_id, self.now)
            self.removed["outbox"] += 1

    def in_steps(self, name: str, erase: ErasingStep, before: datetime) -> None:
        """Erase what is older than a time, in steps until one finds less than it may."""
        while self.may_continue():
            with transaction(self.engine) as connection:
                n = erase(connection, before=before, limit=self.rows_per_step)
            self.removed[name] += n
            if n < self.rows_per_step:
                return

    def access_links(self, before: datetime) -> None:
        """Remove the links of expired entries of the access log, before the entries themselves."""
        if self.may_continue():
            with transaction(self.engine) as connection:
                expire_links(connection, before, self.now)

    def run_files(self, before: datetime) -> None:
        """Delete the files of training runs that ended, but what their versions need."""
        with transaction(self.engine) as connection:
            expired = expired_runs(connection, before)
        for run in self._while_running(expired):
            self.removed["files"] += remove_run_files(run)

    def exports(self, before: datetime) -> None:
        """Delete files of exports that nobody changed since."""
        with transaction(self.engine) as connection:
            expired = expired_exports(connection, before)
        for export in self._while_running(expired):
            self.removed["files"] += remove_export(export)

    def dead_letters(self, age: timedelta | None) -> None:
        before = self.now - age if age else None
        removed: Counter[str] = Counter()
        while self.may_continue():
            with transaction(self.engine) as connection:
                deleted = deletion.delete_expired_dead_letters(
                    connection, before, self.now - REPLAYED_AGE, self.rows_per_step
                )
            removed.update(deleted)
            if sum(deleted.values()) < self.rows_per_step:
                break
        self.removed["dead_letters"] += removed.total()
        del removed["replayed"]
        if removed:
            log.warning("unreplayed_dead_letters_removed", **removed)

    def baselines(self, before: datetime, *, current: bool) -> None:
        """Delete replaced baselines; even the newest of a model version if ``current``."""
        with transaction(self.engine) as connection:
            expired = deletion.expired_baselines(connection, before, current=current)
        for baseline_id in self._while_running(expired):
            self._remove_baseline_quotes(baseline_id)
            while self.may_continue():
                with self._step() as connection:
                    ids = deletion.exchanges_of_baseline(
                        connection, baseline_id, self.rows_per_step
                    )
                    self.removed += deletion.delete_exchanges(connection, ids)
                    if not ids:
                        deletion.delete_empty_baseline(connection, baseline_id)
                        self.removed["baselines"] += 1
                        break

    def _remove_baseline_quotes(self, baseline_id: int) -> None:
        with transaction(self.engine) as connection:
            quoting = evaluations_of_baselines(connection, [baseline_id])
        for evaluation_id in self._while_running(quoting):
            with transaction(self.engine) as connection:
                self.removed["quotes"] += _remove_quotes(
                    connection, evaluation_id, Quotes.of_baseline
                )

    def blocks(self) -> None:
        """Drop the vectors of removed exchanges; merge small blocks."""
        while True:
            with transaction(self.engine) as connection:
                dead = blocks_with_dead_rows(connection)
            for block_id in self._while_running(dead):
                with self._step() as connection:
                    self.removed["vectors"] += drop_dead_rows(connection, block_id)
            if not dead or not self.may_continue():
                break
        while self.may_continue():
            with transaction(self.engine) as connection:
                groups = groups_to_merge(connection, self.now - MERGE_AGE)
            n_merged = 0
            for group in self._while_running(groups):
                with self._step() as connection:
                    n_merged += len(group) if merge_blocks(connection, group) else 0
            self.removed["blocks merged"] += n_merged
            if not n_merged:
                return

    def words(self) -> None:
        """Rewrite SQLite's full-text index without the words of deleted exchanges.

        PostgreSQL's is its owner's to rewrite, which ``driftwarden forget`` does.
        """
        is_sqlite = self.engine.dialect.name == "sqlite"
        if is_sqlite and self.removed["exchange_terms"] and self.may_continue():
            with transaction(self.engine) as connection:
                rewrite_index(connection)

    @contextmanager
    def _step(self) -> Iterator[Connection]:
        with transaction(self.engine) as connection:
            lock_blocks(connection)
            yield connection

    def _while_running(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            if not self.may_continue():
                return
            yield item


def _anonymize_evaluation(connection: Connection, evaluation_id: int) -> int:
    """Remove scores and quotes from an evaluation, and ids from its map; figures stay."""
    save_sample_scores(connection, evaluation_id, None)
    stored_map = prompt_map(connection, evaluation_id)
    if stored_map is not None:
        save_prompt_map(connection, evaluation_id, stored_map.anonymize())
    return _remove_quotes(connection, evaluation_id, Quotes.of_assessment)


def _remove_quotes(
    connection: Connection, evaluation_id: int, find_quotes: Callable[[Assessment], Quotes]
) -> int:
    evaluation = drift_evaluation_by_id(connection, evaluation_id)
    if evaluation.assessment is None:
        return 0
    assessment, n_removed = find_quotes(evaluation.assessment).remove_from(evaluation.assessment)
    if n_removed:
        replace_assessment(connection, evaluation.id, assessment)
    return n_removed
