"""Identity of a process: pid, start time and boot."""

from pathlib import Path
from typing import Any

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def start_ticks(pid: int) -> int | None:
    """Return a live process's start time in clock ticks since boot; ``None`` if it has ended.

    A zombie counts as ended.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may contain spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], int(fields[19])
    return None if state in {"Z", "X"} else ticks


def process_identity(pid: int) -> dict[str, Any]:
    """Return an identity that distinguishes a process from others with the same pid."""
    return {"pid": pid, "start_ticks": start_ticks(pid), "boot_id": boot_id()}


def boot_id() -> str:
    """Return the id of this boot; ticks restart at a reboot."""
    try:
        return _BOOT_ID.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
