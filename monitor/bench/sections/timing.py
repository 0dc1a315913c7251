"""Timed calls, each made in a fresh process."""

import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from monitor.bench.peers.methods import load_method
from monitor.bench.sources.synthetic import make_world
from monitor.drift import compare

#: Short calls are repeated, and the fastest counts: what disturbs a measurement only adds to it.
REPEATS = 3
REPEAT_SECONDS = 2.0
WARM_UP = 400


def time_method(ready: Callable[[], None], name: str, n: int, seed: int) -> float:
    """Return the seconds that a method takes on two windows of n synthetic samples."""
    method = load_method(name)
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    pooled = world.draw(2 * n, rng)[0].astype(np.float32)
    method(pooled[:WARM_UP], pooled[WARM_UP : 2 * WARM_UP], rng)
    ready()
    return fastest(lambda: method(pooled[:n], pooled[n:], rng))


def time_comparison(
    ready: Callable[[], None], n: int, seed: int, device: str | None
) -> tuple[float, int]:
    """Compare two float16 windows of n / 2 synthetic samples each.

    Returns:
        Seconds, and the bytes of memory that the process needed at its peak beyond the inputs.
    """
    rng = np.random.default_rng(seed)
    pooled, _ = make_world(rng).draw(n, rng)
    reference, current = pooled[: n // 2], pooled[n // 2 :]

    def call() -> None:
        compare(reference, current, rng=rng, device=device)

    # Libraries that are loaded at the first call are no part of its memory, nor of its time.
    compare(reference[:WARM_UP], current[:WARM_UP], rng=rng, device=device)
    before = forget_peak_memory()
    ready()
    start = perf_counter()
    call()
    seconds = perf_counter() - start
    extra = peak_memory() - before
    return min(seconds, fastest(call) if seconds < REPEAT_SECONDS else seconds), extra


def fastest(call: Callable[[], object]) -> float:
    """Return the seconds of the fastest of a few calls."""
    start = perf_counter()
    seconds: list[float] = []
    while len(seconds) < REPEATS and perf_counter() - start < REPEAT_SECONDS:
        begun = perf_counter()
        call()
        seconds.append(perf_counter() - begun)
    return min(seconds)


def forget_peak_memory() -> int:
    """Let the peak start anew where the system can do that; return the memory in use, in bytes."""
    if platform.system() != "Linux":
        return peak_memory()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def peak_memory() -> int:
    """Return the process's largest resident memory so far, in bytes."""
    if platform.system() == "Linux":
        return _status("VmHWM")
    import resource  # noqa: PLC0415 - not on Windows

    # macOS counts bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _status(key: str) -> int:
    """Return an entry of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/self/status has no {key}")
