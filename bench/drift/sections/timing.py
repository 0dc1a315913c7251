"""Timed calls, each made in a fresh process."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from bench.drift.peers.methods import load_method
from bench.drift.peers.permutation_mmd import N_PERMUTATIONS, Form, KernelTest
from bench.drift.sources.synthetic import make_world
from monitor.drift import compare

#: Short calls are repeated, and the fastest counts: what disturbs a measurement only adds to it.
REPEATS = 3
REPEAT_SECONDS = 2.0
WARM_UP = 400
#: Of a permutation test so many labellings are timed.
TIMED_LABELLINGS = {Form.PRODUCTS: 128, Form.ONE_BY_ONE: 20, Form.REORDERED: 3}


@dataclass(frozen=True)
class Timing:
    """How long a call took."""

    #: By the clock on the wall, with every thread that the libraries like to use.
    seconds: float
    #: Of all cores together: what other work on the machine doesn't change.
    cpu_seconds: float

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.seconds:.3g} s ({self.cpu_seconds:.3g} s of CPU)"


def time_method(ready: Callable[[], None], name: str, n: int, seed: int) -> Timing:
    """Return the time that a method takes on two windows of n synthetic samples."""
    method = load_method(name)
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    pooled = world.draw(2 * n, rng)[0].astype(np.float32)
    method(pooled[:WARM_UP], pooled[WARM_UP : 2 * WARM_UP], rng)
    ready()
    return fastest(lambda: method(pooled[:n], pooled[n:], rng))


def time_permutation_mmd(
    ready: Callable[[], None], form: Form, n: int, seed: int
) -> tuple[Timing, str]:
    """Time the kernel matrix of two windows of n samples, and a few labellings.

    Returns:
        The time of all ``N_PERMUTATIONS`` labellings, reckoned from that of the few, and how.
    """
    rng = np.random.default_rng(seed)
    pooled = make_world(rng).draw(2 * n, rng)[0].astype(np.float32)
    KernelTest(pooled[:WARM_UP], pooled[WARM_UP : 2 * WARM_UP], rng).permuted(1, form, rng)
    ready()
    begun, cpu_begun = perf_counter(), process_time()
    test = KernelTest(pooled[:n], pooled[n:], rng)
    test.observed()
    matrix = Timing(perf_counter() - begun, process_time() - cpu_begun)
    timed = TIMED_LABELLINGS[form]
    on_result = fastest(lambda: test.permuted(timed, form, rng))
    times = N_PERMUTATIONS / timed
    how = (
        f"{matrix.seconds:.3g} s for the matrix, {1000 * on_result.seconds / timed:.3g} ms a labelling, "
        f"{timed} of {N_PERMUTATIONS} timed"
    )
    seconds = matrix.seconds + times * on_result.seconds
    return Timing(seconds, matrix.cpu_seconds + times * on_result.cpu_seconds), how


def time_comparison(
    ready: Callable[[], None], n: int, seed: int, device: str | None
) -> tuple[Timing, int]:
    """Compare two float16 windows of n / 2 synthetic samples each.

    Returns:
        The time, and the bytes of memory that the process needed at its peak beyond the inputs.
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
    timing = fastest(call)
    return timing, peak_memory() - before


def fastest(call: Callable[[], object]) -> Timing:
    """Return the least time of a few calls."""
    start = perf_counter()
    timings: list[Timing] = []
    while len(timings) < REPEATS and perf_counter() - start < REPEAT_SECONDS:
        begun, cpu_begun = perf_counter(), process_time()
        call()
        timings.append(Timing(perf_counter() - begun, process_time() - cpu_begun))
    return Timing(
        min(timing.seconds for timing in timings), min(timing.cpu_seconds for timing in timings)
    )


def forget_peak_memory() -> int:
    """Let the peak start anew where the system can do that; return the memory in use, in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return peak_memory()
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
