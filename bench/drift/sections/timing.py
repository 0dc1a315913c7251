"""Timed calls, each in a fresh process."""

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

#: Short calls are repeated and the fastest counts: disturbances only add time.
REPEATS = 3
REPEAT_SECONDS = 2.0
WARM_UP = 400
#: Numbers of labellings of a permutation test that are timed.
TIMED_LABELLINGS = {Form.PRODUCTS: 128, Form.ONE_BY_ONE: 20, Form.REORDERED: 3}


@dataclass(frozen=True)
class Timing:
    """The time of a call."""

    #: Wall-clock time, with all threads of the libraries.
    seconds: float
    #: CPU time of all cores, independent of other work on the machine.
    cpu_seconds: float

    def __str__(self) -> str:
        """Return both times as text."""
        return f"{self.seconds:.3g} s ({self.cpu_seconds:.3g} s of CPU)"


def time_method(ready: Callable[[], None], name: str, n: int, seed: int) -> Timing:
    """Return the time of a method on two windows of n synthetic samples."""
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
    """Return the time of a permutation test, extrapolated from a few labellings.

    Returns:
        The time of the kernel matrix and all ``N_PERMUTATIONS`` labellings, and how it was
        measured.
    """
    rng = np.random.default_rng(seed)
    pooled = make_world(rng).draw(2 * n, rng)[0].astype(np.float32)
    KernelTest(pooled[:WARM_UP], pooled[WARM_UP : 2 * WARM_UP], rng).permuted(1, form, rng)
    ready()
    start, cpu_start = perf_counter(), process_time()
    test = KernelTest(pooled[:n], pooled[n:], rng)
    test.observed()
    matrix = Timing(perf_counter() - start, process_time() - cpu_start)
    timed = TIMED_LABELLINGS[form]
    few = fastest(lambda: test.permuted(timed, form, rng))
    times = N_PERMUTATIONS / timed
    how = (
        f"{matrix.seconds:.3g} s for the matrix, {1000 * few.seconds / timed:.3g} ms per "
        f"labelling, "
        f"{timed} of {N_PERMUTATIONS} timed"
    )
    seconds = matrix.seconds + times * few.seconds
    return Timing(seconds, matrix.cpu_seconds + times * few.cpu_seconds), how


def time_comparison(
    ready: Callable[[], None], n: int, seed: int, device: str | None
) -> tuple[Timing, int]:
    """Return the time and memory of a comparison of two float16 windows of n / 2 samples each.

    Returns:
        The time, and the peak memory of the process beyond the inputs, in bytes.
    """
    rng = np.random.default_rng(seed)
    pooled, _ = make_world(rng).draw(n, rng)
    reference, current = pooled[: n // 2], pooled[n // 2 :]

    def call() -> None:
        compare(reference, current, rng=rng, device=device)

    # The first call loads libraries, which count neither as memory nor as time of a comparison.
    compare(reference[:WARM_UP], current[:WARM_UP], rng=rng, device=device)
    before = reset_peak_memory()
    ready()
    timing = fastest(call)
    return timing, peak_memory() - before


def fastest(call: Callable[[], object]) -> Timing:
    """Return the least time of a few calls."""
    start = perf_counter()
    timings: list[Timing] = []
    while len(timings) < REPEATS and perf_counter() - start < REPEAT_SECONDS:
        begin, cpu_begin = perf_counter(), process_time()
        call()
        timings.append(Timing(perf_counter() - begin, process_time() - cpu_begin))
    return Timing(
        min(timing.seconds for timing in timings), min(timing.cpu_seconds for timing in timings)
    )


def reset_peak_memory() -> int:
    """Reset the peak where the system supports it, and return the memory in use, in bytes."""
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
