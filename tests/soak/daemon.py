"""The command `driftwarden` with a light encoder and phase marks.

`python -m tests.soak.daemon run --only ingest`, or `main` in a forked process. All code that reads,
stores or advances offsets is the real one, but the consumer's session and poll interval are shorter
than the settings allow. SOAK_MARKS names the file of the marks. With SOAK_PACE=full the timeouts
are those of the settings, and the encoder deals vectors of the usual size at once.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kafka import KafkaConsumer
from numpy.typing import NDArray
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

import monitor.embedding.encoder
from bench.sizing.vector_encoder import VectorEncoder
from monitor import cli
from tests.soak.marks import (
    BETWEEN_COMMITS,
    COMMITTING,
    EMBEDDING,
    READING,
    STARTING,
    STORING,
    Marks,
)
from tests.soak.settings import MAX_POLL_INTERVAL_SECONDS, SESSION_TIMEOUT_SECONDS
from tests.support.encoders.fake_encoder import FakeEncoder

#: An encoder that answered at once would hardly ever be hit.
SECONDS_PER_TEXT = 0.0005


class SlowEncoder(FakeEncoder):
    """A slow fake encoder."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return ``[n, 8]``."""
        self._marks.phase = EMBEDDING
        time.sleep(SECONDS_PER_TEXT * len(texts))
        return super().encode(texts)


def mark_transactions(marks: Marks) -> None:
    """Mark the begin, commit and end of the worker's transactions."""

    def in_worker() -> bool:
        return threading.current_thread().name == "ingest-worker"

    @event.listens_for(Engine, "begin")
    def begin(_connection: Any) -> None:
        if in_worker():
            marks.phase = STORING

    @event.listens_for(Engine, "do_connect")
    def connect(*_arguments: Any) -> None:
        if in_worker():  # with a batch in its hands, also while PostgreSQL is unavailable
            marks.phase = STORING

    @event.listens_for(Engine, "commit")
    def commit(_connection: Any) -> None:
        if in_worker():
            marks.phase = COMMITTING

    @event.listens_for(Pool, "checkin")
    def end(_connection: Any, _record: Any) -> None:
        if in_worker():
            marks.phase = BETWEEN_COMMITS if marks.phase == COMMITTING else READING


def shorten_timeouts() -> None:
    """Let the group notice sooner that a consumer is dead, or doesn't poll."""
    init = KafkaConsumer.__init__

    def impatient(consumer: KafkaConsumer, *topics: str, **options: Any) -> None:
        timeouts = {
            "session_timeout_ms": round(SESSION_TIMEOUT_SECONDS * 1000),
            "heartbeat_interval_ms": round(SESSION_TIMEOUT_SECONDS * 1000 / 3),
            "max_poll_interval_ms": round(MAX_POLL_INTERVAL_SECONDS * 1000),
        }
        init(consumer, *topics, **{**options, **timeouts})

    KafkaConsumer.__init__ = impatient


def mark_consumer(marks: Marks) -> None:
    """Hold polling on request, and mark the commit to Kafka."""
    poll, commit_async = KafkaConsumer.poll, KafkaConsumer.commit_async

    def held_poll(*arguments: Any, **options: Any) -> Any:
        while marks.held:
            time.sleep(0.1)
        if marks.phase == STARTING:
            marks.phase = READING
        return poll(*arguments, **options)

    def marked_commit(*arguments: Any, **options: Any) -> Any:
        done = commit_async(*arguments, **options)
        if marks.phase == BETWEEN_COMMITS:
            marks.phase = READING
        return done

    KafkaConsumer.poll = held_poll
    KafkaConsumer.commit_async = marked_commit


def main(*arguments: str) -> None:
    """Run the command with arguments."""
    own_marks = Marks(Path(os.environ["SOAK_MARKS"]))
    mark_transactions(own_marks)
    mark_consumer(own_marks)
    if os.environ.get("SOAK_PACE") == "full":
        monitor.embedding.encoder.load_encoder = lambda _settings: VectorEncoder()
    else:
        shorten_timeouts()
        monitor.embedding.encoder.load_encoder = lambda _settings: SlowEncoder(own_marks)
    sys.argv = ["driftwarden", *arguments]
    cli.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
