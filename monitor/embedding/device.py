"""Device and threads of the encoder, without importing torch where no GPU can be."""

import os
from pathlib import Path

from monitor.errors import ModelError
from monitor.extras import is_installed

#: Device files of GPUs that torch calls CUDA: NVIDIA's, WSL's and ROCm's.
GPU_FILES = ("nvidia[0-9]*", "dxg", "kfd")
DEVICES = Path("/dev")


def find_device(name: str) -> str:
    """Return the device that a setting names; ``"auto"`` is CUDA if available, else the CPU.

    Raises:
        ModelError: It is a CUDA device, and none is available.
    """
    if name == "auto":
        return "cuda" if has_cuda() else "cpu"
    if name.startswith("cuda") and not has_cuda():
        raise ModelError(
            f"no CUDA device is available: embedding.device = {name!r}; use 'auto' or 'cpu'"
        )
    return name


def has_cuda() -> bool:
    """Return whether torch is installed and finds a GPU."""
    if not _may_have_gpu() or not is_installed("torch"):
        return False
    import torch  # noqa: PLC0415 - slow to import

    return torch.cuda.is_available()


def _may_have_gpu() -> bool:
    """Return whether a device file of a GPU is here, and the environment doesn't hide it."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(file for pattern in GPU_FILES for file in DEVICES.glob(pattern))


def count_threads() -> int:
    """Return the number of threads, as torch takes it."""
    value = os.environ.get("OMP_NUM_THREADS", "")
    if value.isdigit() and int(value):
        return int(value)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
