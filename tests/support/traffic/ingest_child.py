"""Ingest process that is killed by itself at a chosen moment, or by SIGTERM.

Arguments: bootstrap servers, topic, database URL, moment. The moment is ``before_database_commit``,
``after_observations``, ``after_feedback``, ``before_kafka_commit`` or ``never``, at the third batch
with rows. With ``after_claim`` or ``before_join_commit``, requests and responses are joined, and
the moment is at the third sweep that finds pairs; ``never_joining`` joins until SIGTERM.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kafka import KafkaConsumer

from monitor.settings import Secrets
from monitor.store.engine import make_engine
from monitor.traffic.ingest import sweeper, writer
from monitor.traffic.ingest.loop import run_ingest
from monitor.traffic.ingest.preparation import BatchPreparer
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.ingest import ingest_settings, limit_session

STRIKE_AT = 3


def main(bootstrap_servers: str, topic: str, url: str, moment: str) -> None:
    batches = 0

    def strike(*_arguments: object, **_options: object) -> None:
        nonlocal batches
        batches += 1
        if batches == STRIKE_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment == "before_kafka_commit":
        KafkaConsumer.commit_async = strike
    elif moment == "before_database_commit":
        insert_accepted = writer.insert_accepted

        def insert_then_strike(*arguments: object, **options: object) -> object:
            refused = insert_accepted(*arguments, **options)  # the rows are in the transaction
            strike()
            return refused

        writer.insert_accepted = insert_then_strike
    elif moment == "after_observations":
        store_observations = writer.store_observations

        def observe_then_strike(*arguments: object, **options: object) -> None:
            store_observations(*arguments, **options)  # the rows are in the transaction
            strike()

        writer.store_observations = observe_then_strike
    elif moment == "after_feedback":
        insert_feedback = writer.insert_feedback

        def insert_feedback_then_strike(*arguments: object) -> None:
            insert_feedback(*arguments)  # the rows are in the transaction
            strike()

        writer.insert_feedback = insert_feedback_then_strike
    elif moment == "after_claim":
        BatchPreparer.prepare_pairs = strike_before(BatchPreparer.prepare_pairs, strike)
    elif moment == "before_join_commit":
        sweeper.add_record_counts = strike  # the last call in the transaction
    joins = moment in {"after_claim", "before_join_commit", "never_joining"}
    sweeper.CLAIM, sweeper.INTERVAL_SECONDS, sweeper.PAIRS = timedelta(seconds=2), 0.3, 16
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = ingest_settings(
        bootstrap_servers,
        topic,
        url,
        model={"name": "bank"},
        monitoring={"sample_rate": 0.3},
        traffic={"join": {"enabled": joins, "timeout": "2m"}},
    )
    # Whoever takes over waits until the session of the killed process ends.
    settings = limit_session(settings, seconds=2)
    run_ingest(make_engine(url), settings, Secrets(), FakeEncoder(), stop)


def strike_before(call: Callable[..., Any], strike: Callable[[], None]) -> Callable[..., Any]:
    """Return a function that kills the process before the call."""

    def struck(*arguments: object) -> object:
        strike()
        return call(*arguments)

    return struck


if __name__ == "__main__":
    main(*sys.argv[1:])
