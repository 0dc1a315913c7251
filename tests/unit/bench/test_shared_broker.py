"""A broker that several workers share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from bench.services import kafka


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what happens to brokers, none of which is one."""
    happened: list[str] = []

    class Broker:
        def __init__(self, folder: Path) -> None:
            self.bootstrap_servers = folder.name

        @contextmanager
        def running(self) -> Iterator[None]:
            happened.append("started")
            yield
            happened.append("ended")

    monkeypatch.setattr(kafka, "KafkaServer", Broker)
    return happened


def test_broker_ends_once_all_have_left(events: list[str], tmp_path: Path) -> None:
    entered, leave = Event(), Event()

    def start() -> None:
        with kafka.shared_broker(tmp_path):
            entered.set()
            leave.wait(10)

    starter = Thread(target=start)
    starter.start()
    assert entered.wait(10)
    with kafka.shared_broker(tmp_path), kafka.shared_broker(tmp_path):
        leave.set()
        starter.join(0.1)
        assert starter.is_alive()
        assert events == ["started"]
    starter.join(10)
    assert events == ["started", "ended"]


def test_broker_is_started_again_after_its_end(events: list[str], tmp_path: Path) -> None:
    with kafka.shared_broker(tmp_path) as first:
        pass
    with kafka.shared_broker(tmp_path) as second:
        assert second != first
    assert events == ["started", "ended"] * 2
