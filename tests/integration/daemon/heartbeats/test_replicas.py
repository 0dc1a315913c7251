"""Heartbeats of replicas that are frozen and killed."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.leadership import current_lease
from monitor.store.traffic.offsets import claim, record_caught_up
from tests.integration.daemon.heartbeats import replica
from tests.integration.daemon.heartbeats.receiver import Receiver, running_receiver
from tests.integration.daemon.heartbeats.replica import PERIOD_SECONDS
from tests.support.present import utc_now
from tests.support.traffic.ingest import wait_until

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.integration.daemon.heartbeats.replica"])


@contextmanager
def running_replica(url: str, address: str, log: Path) -> Iterator[int]:
    """Run a replica until the block ends; yield its process id."""
    process = PROCESSES.Process(target=replica.run, args=(url, address, log))
    process.start()
    assert process.pid is not None
    try:
        yield process.pid
    finally:
        process.kill()
        process.join()
        process.close()


@pytest.mark.drill
@pytest.mark.postgres
def test_heartbeats_follow_the_leader(postgres_engine: Engine, tmp_path: Path) -> None:
    with transaction(postgres_engine) as connection:
        claim(connection, "llm-traffic", 0, first=0, now=utc_now())
        record_caught_up(connection, "llm-traffic", {0: utc_now()})
    url = postgres_engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        receiver: Receiver = stack.enter_context(running_receiver())

        def start(name: str) -> int:
            address = f"{receiver.url}/{name}"
            return stack.enter_context(running_replica(url, address, tmp_path / f"{name}.log"))

        first = start("first")
        wait_until(lambda: receiver.count() >= 2, "a second heartbeat")
        with transaction(postgres_engine) as connection:
            held = current_lease(connection)
        assert held is not None
        assert held.worked_at is not None
        second = start("second")
        wait_until((tmp_path / "second.log").exists, "the start of the second")
        wait_until(lambda: "another_leads" in (tmp_path / "second.log").read_text(), "a follower")
        assert receiver.count("/second") == 0

        os.kill(first, signal.SIGSTOP)
        sent = receiver.count("/first")
        wait_until(lambda: receiver.count("/second") >= 2, "heartbeats of the second")
        os.kill(first, signal.SIGCONT)
        time.sleep(2 * PERIOD_SECONDS)
        assert receiver.count("/first") - sent <= 1  # one may have been under way

        sent = receiver.count("/first")
        os.kill(second, signal.SIGKILL)
        wait_until(lambda: receiver.count("/first") > sent, "heartbeats of the first again")
        os.kill(first, signal.SIGKILL)
        sent = receiver.count()
        time.sleep(2 * PERIOD_SECONDS)
        assert receiver.count() - sent <= 1
