"""Replay of files through the ingest path."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import InputError
from monitor.input_files import InputSource
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.traffic.offsets import OffsetMove, claim
from monitor.telemetry import RECORDS_READ, RECORDS_SAMPLED
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.files.records import (
    file_record,
    file_source_name,
    iter_records,
    open_file,
)
from monitor.traffic.files.shapes.peek import Announce, Origin, peek_shape, write_remark
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.ingest.writer import prepare_and_store, store_with_retries
from monitor.traffic.record import RawRecord, record_identity
from monitor.traffic.sampling.design import SamplingDesign
from monitor.traffic.sampling.observation_plan import ObservationPlan


@dataclass(frozen=True)
class FileReplayResult:
    """Result of a file replay."""

    #: Lines, rows or elements read; those of an earlier replay of the same file are skipped.
    n_lines: int
    n_skipped: int
    n_sampled: int
    n_exchanges: int
    n_dead_letters: int
    #: Values of feedback.
    n_feedback: int = 0
    #: Withheld exchanges: counted, not stored.
    n_withheld: int = 0
    #: Exchanges of models that are not listed: counted, not stored.
    n_unlisted: int = 0
    #: Exchanges, halves and dead letters of end users on the suppression list: counted, not stored.
    n_suppressed: int = 0


def replay_file(
    engine: Engine,
    settings: Sections,
    encoder: TextEncoder,
    place: Path | InputSource,
    *,
    plan: ObservationPlan | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    announce: Announce = write_remark,
) -> FileReplayResult:
    """Sample, decode, redact, embed and store a file.

    The source is the file's content: an interrupted replay continues, and a repeated one adds
    nothing.

    It is read to its end before anything is stored. ``stop`` ends the replay after the current
    batch; ``progress`` is called with the number of lines of each. ``announce`` takes the remark on
    the shape of the file's objects. A plan of observation is given where the file stands for the
    traffic of a rollout.

    Raises:
        InputError: The file can't be read to its end, or its first lines have two shapes, or none,
            and nothing is stored; or it changed since, and the message says how much is.
        LostOwnershipError: Another process replays the same file.
    """
    stop = stop or threading.Event()
    design = SamplingDesign(settings)
    file = open_file(place)
    source = file_source_name(file)
    n_values = file.check()
    shape, _ = peek_shape(
        iter_records(file, source=source),
        settings.traffic,
        Origin(file.label, file.unit),
        announce=announce,
        of_traffic=True,
    )
    preparer = BatchPreparer.build(
        settings,
        encoder,
        design,
        read=None if shape is None else shape.read,
        rules=open_rules(engine, settings, adopts_key=False),
    )
    with transaction(engine) as connection:
        start = claim(connection, source, 0, first=0, now=clock())
    totals: Counter[str] = Counter(skipped=start)
    expected = position = start
    sampled: list[RawRecord] = []

    def flush() -> bool:
        nonlocal expected
        if position == expected:
            return True
        move = OffsetMove(source, 0, expected, position)
        stored = prepare_and_store(
            lambda: preparer.prepare(sampled, received_at=clock()),
            lambda prepared: store_with_retries(engine, prepared, [move], stop=stop, clock=clock),
        )
        if stored is None:
            return False
        RECORDS_READ.labels(source).inc(position - expected)
        RECORDS_SAMPLED.labels(source).inc(len(sampled))
        totals.update(
            lines=position - expected,
            sampled=len(sampled),
            exchanges=stored.n_exchanges,
            dead_letters=stored.n_dead_letters,
            feedback=stored.n_feedback,
            withheld=stored.n_withheld,
            unlisted=stored.n_unlisted,
            suppressed=stored.n_suppressed,
        )
        progress(position - expected)
        expected = position
        sampled.clear()
        return True

    now = clock()
    for number, value in _iter_checked(file, start, n_values, stored=lambda: expected):
        position = number + 1
        identity = record_identity(None, None, source=source, partition=0, offset=number)
        is_sampled = bool(value) and design.sampler.keeps(identity)
        if is_sampled or (value and plan is not None and plan.wants(())):
            record = file_record(source, number, value, now)
            sampled.append(replace(record, plan=plan, sampled=is_sampled))
        if len(sampled) >= settings.traffic.batch_size and (not flush() or stop.is_set()):
            break
    else:
        # At the end of a file, a half without a partner has none.
        if flush() and settings.traffic.join.enabled:
            sweeper = Sweeper(engine, preparer, settings.traffic.join, clock=clock)
            joined, expired = sweeper.finish(source, stop)
            totals.update(exchanges=joined, dead_letters=expired)
    return FileReplayResult(
        n_lines=totals["lines"],
        n_skipped=totals["skipped"],
        n_sampled=totals["sampled"],
        n_exchanges=totals["exchanges"],
        n_dead_letters=totals["dead_letters"],
        n_feedback=totals["feedback"],
        n_withheld=totals["withheld"],
        n_unlisted=totals["unlisted"],
        n_suppressed=totals["suppressed"],
    )


def _iter_checked(
    file: InputSource, start: int, n_values: int, *, stored: Callable[[], int]
) -> Iterator[tuple[int, bytes]]:
    """Yield the values that a file had when it was checked, and none that was appended since.

    Raises:
        InputError: The file has lost records since, or can't be read any more.
    """
    n_read, problem = start, ""
    try:
        for number, value in islice(file.values(start), max(0, n_values - start)):
            yield number, value
            n_read = number + 1
    except InputError as error:
        problem = f"; {error}"
    if n_read < n_values:
        raise InputError(
            f"{file.label}: changed while it was replayed{problem}; {stored():,} of {n_values:,} "
            f"{file.unit}s are stored: replay the file as it was, and it goes on there",
            code="changed",
        )
