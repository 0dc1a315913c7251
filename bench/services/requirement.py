"""Requirements of a test that the machine lacks: a skip on a desk, a failure in CI."""

import os
import shutil
import socket
from random import SystemRandom
from typing import NoReturn

_PORTS = range(10_000, 32_000)
_ports = iter(SystemRandom().sample(_PORTS, len(_PORTS)))


def missing(subject: str, how_to_get_it: str) -> NoReturn:
    """Skip the test, or fail it under ``CI=true``."""
    import pytest  # noqa: PLC0415 - `.ci/run` fetches Kafka before it is installed

    message = f"{subject} is missing: {how_to_get_it}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(name: str, how_to_get_it: str) -> str:
    """Return the path of a program."""
    return shutil.which(name) or missing(name, how_to_get_it)


def free_port() -> int:
    """Return a port that nothing listens on, once to each process.

    It lies below the range from which systems take the ports of outgoing connections, so
    that no connection takes it before the server starts.
    """
    while True:
        port = next(_ports)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
