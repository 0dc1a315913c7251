"""Time and memory against the number of samples, each size in a fresh process."""

from collections.abc import Iterator

from monitor.bench.child import Done, run_limited
from monitor.bench.figure import Figure, missing, single
from monitor.bench.plan import Plan
from monitor.bench.sections.timing import time_comparison
from monitor.bench.sources.synthetic import DIMENSION

BYTES_PER_SAMPLE = 2 * DIMENSION  # float16
MEGABYTE = 1e6
GPU_SAMPLES = 1_000_000
GPU_SECONDS = 3.0


def scaling(plan: Plan, seed: int) -> Iterator[Figure]:
    """Yield the time per sample relative to the smallest size, and the memory beyond the inputs."""
    smallest: tuple[int, float, int] | None = None
    for n in plan.scaling_sizes:
        title = f"{n:,} samples in all"
        measured = run_limited(time_comparison, n, seed, None, seconds=plan.limit_seconds)
        if not isinstance(measured, Done):
            yield missing(f"time per sample, {title}", measured.reason, at_most=1.15)
            continue
        seconds, extra = measured.value
        how = f"{seconds:.3g} s; float16, d = {DIMENSION}, seed {seed}"
        yield single(f"time per sample, {title}", 1e6 * seconds / n, how, unit="us")
        inputs = f"inputs {n * BYTES_PER_SAMPLE / MEGABYTE:.0f} MB"
        name = f"peak memory beyond the inputs, {title}"
        yield single(name, extra / MEGABYTE, inputs, unit="MB")
        if smallest is None:
            smallest = (n, seconds, extra)
            continue
        first_n, first_seconds, first_extra = smallest
        yield single(
            f"time per sample against that at {first_n:,}, {title}",
            (seconds / n) / (first_seconds / first_n),
            f"{seconds:.3g} s against {first_seconds:.3g} s",
            unit="x",
            at_most=1.15,
        )
        yield single(
            f"growth of that memory per byte of input since {first_n:,}, {title}",
            (extra - first_extra) / ((n - first_n) * BYTES_PER_SAMPLE),
            inputs,
            at_most=0.15,
        )


def gpu(seed: int) -> Iterator[Figure]:
    """Yield the time of a million samples on a CUDA device, or why there is none."""
    import torch  # noqa: PLC0415 - slow to import

    name = f"{GPU_SAMPLES:,} samples in all on a GPU"
    if not torch.cuda.is_available():
        yield missing(name, "skipped: torch finds no CUDA device", at_most=GPU_SECONDS)
        return
    measured = run_limited(time_comparison, GPU_SAMPLES, seed, "cuda", seconds=60.0)
    if isinstance(measured, Done):
        device = torch.cuda.get_device_name()
        yield single(name, measured.value[0], device, unit="s", at_most=GPU_SECONDS)
    else:
        yield missing(name, measured.reason, at_most=GPU_SECONDS)
