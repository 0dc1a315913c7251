"""Requirements of a test that the machine lacks: a skip on a desk, a failure in CI."""

import os
import shutil
import socket
from typing import NoReturn


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
    """Return a port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
