"""A process that ingests until it is killed, by itself at a chosen moment, or by SIGTERM.

Arguments: bootstrap servers, topic, database URL, moment. The moment is ``before_database_commit``,
``before_kafka_commit`` or ``never``; it strikes at the third batch that holds rows.
"""

import os
import signal
import sys
import threading

from kafka import KafkaConsumer

from monitor.settings import Secrets
from monitor.store.engine import make_engine
from monitor.traffic import writer
from monitor.traffic.ingest import run_ingest
from tests.services.fake_encoder import FakeEncoder
from tests.services.ingest import ingest_settings

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
        insert_readable = writer.insert_readable

        def insert_then_strike(*arguments: object, **options: object) -> object:
            refused = insert_readable(*arguments, **options)  # the rows are in the transaction
            strike()
            return refused

        writer.insert_readable = insert_then_strike
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = ingest_settings(bootstrap_servers, topic, url, monitoring={"sample_rate": 0.3})
    run_ingest(make_engine(url), settings, Secrets(), FakeEncoder(), stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
