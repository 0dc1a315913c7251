"""Replay of dead letters, which other settings or a newer version may be able to read."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_rows import delete_dead_letters
from monitor.store.traffic.dead_letters import (
    DeadLetterRow,
    last_dead_letter_id,
    mark_replayed,
    pending_dead_letters,
    restore_dead_letters,
)
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.pending_halves import insert_halves
from monitor.store.traffic.unlisted import add_unlisted
from monitor.store.traffic.withheld import add_withheld
from monitor.traffic.dead_letters import PLAIN_FORMAT_REASONS, duplicate_dead_letter
from monitor.traffic.decoder import NULL_VALUE
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.ingest.end_user_filter import waiting_halves
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.ingest.writer import insert_accepted, prepare_and_store
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.sampler import stored_draw


@dataclass(frozen=True)
class DeadLetterReplayResult:
    """Result of a replay of dead letters."""

    n_exchanges: int
    #: Dead letters that are still unreadable, or the unreadable rest of them, by reason.
    still_unreadable: dict[str, int]
    #: Requests and responses that are pending again.
    n_waiting: int = 0
    #: Values of feedback.
    n_feedback: int = 0
    #: Exchanges of models that are not listed: counted, not stored.
    n_unlisted: int = 0
    #: Exchanges, halves and dead letters of end users on the suppression list: deleted, not stored.
    n_suppressed: int = 0


@dataclass(frozen=True)
class _DeadLetterOutcome:
    """Outcome of one dead letter."""

    n_exchanges: int = 0
    n_halves: int = 0
    n_feedback: int = 0
    n_unlisted: int = 0
    n_suppressed: int = 0
    #: Reasons of what is still unreadable.
    unreadable: tuple[str, ...] = ()


def replay_dead_letters(
    engine: Engine,
    settings: Sections,
    encoder: TextEncoder,
    *,
    page_size: int = 100,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DeadLetterReplayResult:
    """Replay each dead letter.

    Readable exchanges are stored at the record's position, and the dead letter is marked as
    replayed, in one transaction. Exchanges of the record that are still unreadable or that the
    database refuses become dead letters of their own. Halves are pending again.
    """
    rules = open_rules(engine, settings, adopts_key=False)
    preparer = BatchPreparer.build(settings, encoder, rules=rules)
    totals: Counter[str] = Counter()
    unreadable: Counter[str] = Counter()
    after_id = 0
    with transaction(engine) as connection:
        last_id = last_dead_letter_id(connection)  # the rest of dead letters isn't replayed at once
    while True:
        with transaction(engine) as connection:
            page = pending_dead_letters(
                connection, after_id=after_id, until_id=last_id, limit=page_size
            )
        if not page:
            break
        for dead_letter_id, dead_letter in page:
            after_id = dead_letter_id
            outcome = _replay_dead_letter(
                engine, preparer, dead_letter_id, dead_letter, now=clock()
            )
            totals.update(
                exchanges=outcome.n_exchanges,
                halves=outcome.n_halves,
                feedback=outcome.n_feedback,
                unlisted=outcome.n_unlisted,
                suppressed=outcome.n_suppressed,
            )
            unreadable.update(outcome.unreadable)
    # Halves are pending again; pairs that are complete now are joined at once.
    sweeper = Sweeper(engine, preparer, settings.traffic.join, clock=clock)
    joined, _ = sweeper.sweep(threading.Event())
    return DeadLetterReplayResult(
        n_exchanges=totals["exchanges"] + joined,
        still_unreadable=dict(unreadable),
        n_waiting=max(0, totals["halves"] - 2 * joined),
        n_feedback=totals["feedback"],
        n_unlisted=totals["unlisted"],
        n_suppressed=totals["suppressed"],
    )


def _replay_dead_letter(
    engine: Engine,
    preparer: BatchPreparer,
    dead_letter_id: int,
    dead_letter: DeadLetterRow,
    *,
    now: datetime,
) -> _DeadLetterOutcome:
    if dead_letter.value is None and dead_letter.reason != NULL_VALUE:
        return _DeadLetterOutcome(unreadable=(dead_letter.reason,))  # it has no bytes
    draw = stored_draw(
        dead_letter.randomness, dead_letter.threshold, dead_letter.inclusion_probability
    )
    return prepare_and_store(
        lambda: preparer.prepare(
            [_record_of(dead_letter)], received_at=dead_letter.received_at, draws=[draw]
        ),
        lambda prepared: _store(engine, prepared, dead_letter_id, now=now),
    )


def _store(
    engine: Engine, prepared: PreparedBatch, dead_letter_id: int, *, now: datetime
) -> _DeadLetterOutcome:
    if prepared.is_empty and prepared.dead_letters:
        return _DeadLetterOutcome(unreadable=(prepared.dead_letters[0].reason,))
    # The time limit of a half starts again.
    halves = [replace(half, received_at=now) for half in prepared.halves]
    with transaction(engine) as connection:
        if not mark_replayed(connection, dead_letter_id, now=now):
            return _DeadLetterOutcome()  # another process replayed it
        if prepared.suppressed:  # its bytes would stay for a day
            delete_dead_letters(connection, [dead_letter_id])
        refused = insert_accepted(connection, prepared, now=now)
        duplicates = insert_halves(connection, halves, now=now)
        insert_feedback(connection, prepared.feedback)
        add_withheld(connection, prepared.withheld)
        add_unlisted(connection, prepared.unlisted)
        # A dead letter at the same position removes the mark again.
        duplicates = waiting_halves(duplicates)
        left = [*refused, *map(duplicate_dead_letter, duplicates), *prepared.dead_letters]
        restore_dead_letters(connection, left)
    return _DeadLetterOutcome(
        n_exchanges=len(prepared.exchanges) - len(refused),
        n_halves=len(waiting_halves(halves)) - len(duplicates),
        n_feedback=len(prepared.feedback),
        n_unlisted=sum(count.n for count in prepared.unlisted.values()),
        n_suppressed=sum(prepared.suppressed.values()),
        unreadable=tuple(dead_letter.reason for dead_letter in left),
    )


def _record_of(dead_letter: DeadLetterRow) -> RawRecord:
    from_file = dead_letter.position.source.startswith("file:")
    return RawRecord(
        dead_letter.position,
        dead_letter.key,
        dead_letter.value,
        dead_letter.received_at,
        read_at=None if from_file else dead_letter.received_at,
        format_name="plain" if dead_letter.reason in PLAIN_FORMAT_REASONS else "",
    )
