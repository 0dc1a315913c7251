"""CPU time and memory of processes, from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int, *, children: bool = False) -> float:
    """Return the CPU time of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if children else 13])) / TICKS


def children_of(pid: int) -> list[int]:
    """Return the children of a process, whichever of its threads has started them."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text(encoding="utf-8").split()]


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all children that it has or had."""
    total = cpu_seconds(pid, children=True)
    for child in children_of(pid):
        try:
            total += cpu_seconds(child)
        except OSError:  # it ends just now
            continue
    return total


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    _, label, rest = status.partition("VmRSS:")
    return int(rest.split()[0]) * 1024 if label else 0
