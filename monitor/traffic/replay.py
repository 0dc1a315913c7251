"""Bring a file, or dead letters, through the path that Kafka's records take."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import RecordError
from monitor.settings import Settings
from monitor.store.dead_letters import (
    DeadLetterRow,
    mark_replayed,
    pending_dead_letters,
    restore_dead_letters,
)
from monitor.store.engine import transaction
from monitor.store.offsets import claim
from monitor.store.pending_halves import insert_halves
from monitor.store.withheld import add_withheld
from monitor.telemetry import RECORDS_SAMPLED, RECORDS_SEEN
from monitor.traffic.design import SamplingDesign
from monitor.traffic.file_source import file_source_name, iter_records
from monitor.traffic.letters import IN_PLAIN_FORM
from monitor.traffic.prepare import Preparer, TextEncoder
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import make_redactor
from monitor.traffic.sampling import stored_draw
from monitor.traffic.sweep import Sweeper
from monitor.traffic.writer import OffsetMove, insert_readable, store_until_done


@dataclass(frozen=True)
class Replayed:
    """What a replay of a file did."""

    #: Lines read now; those of an earlier replay of the same file aren't read again.
    n_lines: int
    n_skipped: int
    n_sampled: int
    n_exchanges: int
    n_dead_letters: int
    #: Exchanges whose texts the source kept back: counted, not stored.
    n_withheld: int = 0


def replay_file(
    engine: Engine,
    settings: Settings,
    encoder: TextEncoder,
    path: Path,
    *,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Replayed:
    """Sample, decode, redact, embed and store a file.

    The file is known by its content: a replay that was interrupted goes on where it was, and
    another of the same file adds nothing.

    Args:
        engine: The database.
        settings: The sampling rate, the format and the batch size.
        encoder: Embeds prompts and responses.
        path: One exchange a line.
        stop: Ends the replay after the batch that is being stored.
        progress: Told how many lines each batch brought.
        clock: What time it is.

    Raises:
        InputError: The file can't be read.
        LostOwnershipError: Another process replays the same file at the same time.
    """
    stop = stop or threading.Event()
    design = SamplingDesign(settings)
    preparer = Preparer(
        settings.traffic,
        encoder,
        design=design,
        default_model=settings.model.name,
        redactor=make_redactor(settings.redaction),
    )
    source = file_source_name(path)
    with transaction(engine) as connection:
        start = claim(connection, source, 0, first=0, now=clock())
    totals: Counter[str] = Counter(skipped=start)
    expected = position = start
    sampled: list[RawRecord] = []

    def flush() -> bool:
        nonlocal expected
        if position == expected:
            return True
        prepared = preparer.prepare(sampled, received_at=clock())
        move = OffsetMove(source, 0, expected, position)
        stored = store_until_done(engine, prepared, [move], stop=stop, clock=clock)
        if stored is None:
            return False
        RECORDS_SEEN.labels(source).inc(position - expected)
        RECORDS_SAMPLED.labels(source).inc(len(sampled))
        totals.update(
            lines=position - expected,
            sampled=len(sampled),
            exchanges=stored.n_exchanges,
            letters=stored.n_dead_letters,
            withheld=stored.n_withheld,
        )
        progress(position - expected)
        expected = position
        sampled.clear()
        return True

    for record in iter_records(path, source=source, start=start):
        position = record.position.offset + 1
        if record.value and design.sampler.keeps(record.identity("")):
            sampled.append(record)
        if len(sampled) >= settings.traffic.batch_size and (not flush() or stop.is_set()):
            break
    else:
        # A file has an end: a half without a partner by then has none.
        if flush() and settings.traffic.join.enabled:
            sweeper = Sweeper(engine, preparer, settings.traffic.join, clock=clock)
            joined, expired = sweeper.finish(source, stop)
            totals.update(exchanges=joined, letters=expired)
    return Replayed(
        n_lines=totals["lines"],
        n_skipped=totals["skipped"],
        n_sampled=totals["sampled"],
        n_exchanges=totals["exchanges"],
        n_dead_letters=totals["letters"],
        n_withheld=totals["withheld"],
    )


@dataclass(frozen=True)
class ReplayedLetters:
    """What a replay of dead letters did."""

    n_exchanges: int
    #: Letters that still can't be read, by reason; they stay.
    still_unreadable: dict[str, int]
    #: Requests and responses that wait anew for their partner.
    n_waiting: int = 0


def replay_dead_letters(
    engine: Engine,
    settings: Settings,
    encoder: TextEncoder,
    *,
    page_size: int = 100,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ReplayedLetters:
    """Try each dead letter again: with other settings or a newer version it may be readable.

    What is read now is stored at the position where the record stood, and its letter is marked, in
    one transaction; what isn't stays as it was. Halves of pairs wait anew for their partner.
    """
    design = SamplingDesign(settings)
    preparer = Preparer(
        settings.traffic,
        encoder,
        design=design,
        default_model=settings.model.name,
        redactor=make_redactor(settings.redaction),
    )
    n_exchanges = n_halves = 0
    unreadable: Counter[str] = Counter()
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = pending_dead_letters(connection, after_id=after_id, limit=page_size)
        if not page:
            break
        for letter_id, letter in page:
            after_id = letter_id
            result = _replay_letter(engine, preparer, letter_id, letter, now=clock())
            if isinstance(result, str):
                unreadable[result] += 1
            else:
                n_exchanges += result[0]
                n_halves += result[1]
    # Halves wait again for each other; those that are complete now are joined at once.
    sweeper = Sweeper(engine, preparer, settings.traffic.join, clock=clock)
    joined, _ = sweeper.sweep(threading.Event())
    n_waiting = max(0, n_halves - 2 * joined)
    return ReplayedLetters(n_exchanges + joined, dict(unreadable), n_waiting)


def _replay_letter(
    engine: Engine, preparer: Preparer, letter_id: int, letter: DeadLetterRow, *, now: datetime
) -> tuple[int, int] | str:
    """Return how many exchanges and halves were stored, or why it still can't be read."""
    from_file = letter.position.source.startswith("file:")
    record = RawRecord(
        letter.position,
        letter.key,
        letter.value,
        letter.received_at,
        read_at=None if from_file else letter.received_at,
        format_name="plain" if letter.reason in IN_PLAIN_FORM else "",
    )
    prepared = preparer.prepare(
        [record],
        received_at=letter.received_at,
        draws=[stored_draw(letter.randomness, letter.threshold, letter.inclusion_probability)],
    )
    if prepared.is_empty and prepared.dead_letters:
        return prepared.dead_letters[0].reason
    # The time limit of a half begins anew.
    halves = [replace(half, received_at=now) for half in prepared.halves]
    try:
        with transaction(engine) as connection:
            if not mark_replayed(connection, letter_id, now=now):
                return 0, 0  # another process was first
            refused = insert_readable(connection, prepared, now=now)
            if refused or insert_halves(connection, halves, now=now):
                # Rolls the mark back.
                raise RecordError(refused[0].reason if refused else "duplicate_half")  # noqa: TRY301
            add_withheld(connection, prepared.withheld)
            # Of a message that couldn't be read at all some parts may still be unreadable.
            restore_dead_letters(connection, prepared.dead_letters)
    except RecordError as error:
        return error.reason
    return len(prepared.rows), len(halves)
