"""Measurement of the peak memory of training."""

import contextlib
from pathlib import Path

import torch

from retrain.planning.memory.device import GIB

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class PeakMemory:
    """A meter of peak memory, from its creation on."""

    def __init__(self) -> None:
        self._on_gpu = torch.cuda.is_available()
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
        else:
            # Reset the peak resident size where the kernel allows it.
            with contextlib.suppress(OSError):
                _CLEAR.write_text("5", encoding="ascii")

    def gib(self) -> float:
        """Return the peak in GiB: CUDA's reserved memory and context, or the resident size."""
        if self._on_gpu:
            free, total = torch.cuda.mem_get_info()
            context = total - free - torch.cuda.memory_reserved()
            return round((torch.cuda.max_memory_reserved() + context) / GIB, 3)
        for line in _STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / GIB, 3)
        return 0.0
