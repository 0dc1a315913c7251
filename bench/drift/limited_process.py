"""Measurements in a fresh process with a time limit."""

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

#: Time limit of imports and preparations.
STARTUP_SECONDS = 300.0


@dataclass(frozen=True)
class Completed(Generic[Value]):
    """The value of a measurement."""

    value: Value


@dataclass(frozen=True)
class Failed:
    """The reason for a missing value."""

    reason: str
    timed_out: bool = False


def run_limited(
    function: Callable[..., Value], *arguments: Any, seconds: float
) -> Completed[Value] | Failed:
    """Return the result of a function, called in a fresh process.

    Args:
        function: Importable by its name. Its first argument is a function that it calls after its
            preparations: the time limit counts from then.
        *arguments: The other arguments.
        seconds: The time limit.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, function, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(STARTUP_SECONDS):
            return Failed(f"was not ready after {STARTUP_SECONDS:g} s")
        kind, content = ours.recv()
        if kind == "ready":
            if not ours.poll(seconds):
                return Failed(f"did not finish in {seconds:g} s", timed_out=True)
            kind, content = ours.recv()
    except EOFError:
        process.join()
        return Failed(f"its process ended with exit status {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()
    return Completed(content) if kind == "value" else Failed(f"failed: {content}")


def _serve(
    connection: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    try:
        value = function(lambda: connection.send(("ready", None)), *arguments)
    except Exception as error:  # noqa: BLE001 - any error belongs into the table
        connection.send(("error", f"{type(error).__name__}: {error}"))
    else:
        connection.send(("value", value))
