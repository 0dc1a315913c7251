"""CPU time and memory by the number of samples, each size in a fresh process."""

from collections.abc import Iterator

from bench.drift.limited_process import Completed, run_limited
from bench.drift.plan import DriftPlan
from bench.drift.sections.timing import Timing, time_comparison
from bench.drift.sources.synthetic import DIMENSION
from monitor.bench.figure import Figure, missing, single

BYTES_PER_SAMPLE = 2 * DIMENSION  # float16
MEGABYTE = 1e6
#: Cost per sample is flat within 15%.
FLAT = 1.15
#: Memory per sample that a comparison may need, such as for novelty, as a share of the inputs.
MEMORY_GROWTH = 0.15
#: With fewer samples the chunks in memory still grow.
CHUNKS_FULL = 50_000
GPU_SAMPLES = 1_000_000
GPU_SECONDS = 3.0


def scaling(plan: DriftPlan, seed: int) -> Iterator[Figure]:
    """Yield the CPU time per sample, relative to the smallest size, and the extra memory."""
    measured: dict[int, tuple[Timing, int]] = {}
    for n in plan.scaling_sizes:
        title = f"{n:,} samples in all"
        result = run_limited(time_comparison, n, seed, None, seconds=plan.limit_seconds)
        if not isinstance(result, Completed):
            yield missing(f"CPU time per sample, {title}", result.reason, at_most=FLAT)
            continue
        timing, extra = result.value
        how = f"{timing}; float16, d = {DIMENSION}, seed {seed}"
        per_sample = 1e6 * timing.cpu_seconds / n
        yield single(f"CPU time per sample, {title}", per_sample, how, unit="us")
        inputs = f"inputs {n * BYTES_PER_SAMPLE / MEGABYTE:.0f} MB"
        name = f"peak memory beyond the inputs, {title}"
        yield single(name, extra / MEGABYTE, inputs, unit="MB")
        if measured:
            yield from _growth(measured, n, timing, extra)
        measured[n] = timing, extra


def _growth(
    measured: dict[int, tuple[Timing, int]], n: int, timing: Timing, extra: int
) -> Iterator[Figure]:
    smallest, largest = min(measured), max(measured)
    first = measured[smallest][0]
    ratio = (timing.cpu_seconds / n) / (first.cpu_seconds / smallest)
    name = f"CPU time per sample, {n:,} against {smallest:,} samples"
    yield single(name, ratio, f"{timing} against {first}", unit="x", at_most=FLAT)
    growth = (extra - measured[largest][1]) / MEGABYTE
    inputs = (n - largest) * BYTES_PER_SAMPLE / MEGABYTE
    yield single(
        f"growth of that memory per byte of input, from {largest:,} to {n:,} samples",
        growth / inputs,
        f"{growth:.0f} MB more for {inputs:.0f} MB more of inputs",
        at_most=MEMORY_GROWTH if largest >= CHUNKS_FULL else None,
    )


def gpu(seed: int) -> Iterator[Figure]:
    """Yield the time of a million samples on a CUDA device, or the reason for its absence."""
    import torch  # noqa: PLC0415 - slow to import

    name = f"{GPU_SAMPLES:,} samples in all on a GPU"
    if not torch.cuda.is_available():
        yield missing(name, "skipped: torch finds no CUDA device", at_most=GPU_SECONDS)
        return
    measured = run_limited(time_comparison, GPU_SAMPLES, seed, "cuda", seconds=60.0)
    if isinstance(measured, Completed):
        device = torch.cuda.get_device_name()
        yield single(name, measured.value[0].seconds, device, unit="s", at_most=GPU_SECONDS)
    else:
        yield missing(name, measured.reason, at_most=GPU_SECONDS)
