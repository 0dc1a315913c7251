"""Local training device and its memory."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

GIB = 1 << 30
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Device:
    """A training device and its memory in bytes."""

    kind: Literal["cuda", "cpu"]
    name: str
    total: int
    #: Free bytes.
    available: int


def this_device() -> Device:
    """Return the GPU if torch finds one, otherwise the processor."""
    import torch  # noqa: PLC0415 - heavy

    if torch.cuda.is_available():
        available, total = torch.cuda.mem_get_info()
        return Device("cuda", torch.cuda.get_device_name(), total, available)
    return processor()


def processor() -> Device:
    """Return this machine's processor, with the memory limit of its container."""
    matches = {}
    for line in _MEMORY.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        matches[name] = int(rest.split()[0]) * 1024
    total = matches["MemTotal"]
    with contextlib.suppress(OSError, ValueError):  # no container, or no limit ("max")
        total = min(total, int(_CGROUP_LIMIT.read_text(encoding="utf-8")))
    return Device("cpu", "the processor", total, min(matches["MemAvailable"], total))
