"""Check of the memory estimate against the device."""

from retrain.planning.checks.finding import PlanFinding
from retrain.planning.memory.device import GIB, Device
from retrain.planning.memory.estimate import MemoryEstimate

#: Share of the device above which the estimate's error matters.
CLOSE = 0.85


def check_memory(estimate: MemoryEstimate, device: Device | None) -> PlanFinding:
    """Compare the estimate with the device's memory.

    Without a device, a remote child makes the comparison itself.
    """
    name, needed = "memory", f"about {estimate.total / GIB:.1f} GiB"
    if device is None:
        return PlanFinding(
            name, "note", f"{needed}; the child compares the estimate with its device"
        )
    has = f"{device.name} has {device.total / GIB:.1f} GiB"
    if estimate.total > device.total:
        parts = estimate.as_gib()
        largest = sorted((key for key in parts if key != "total"), key=lambda key: -parts[key])[:3]
        held = ", ".join(f"{key} {parts[key]:.1f}" for key in largest)
        return PlanFinding(
            name,
            "refused",
            f"{needed} are needed ({held}), but {has}; lower micro_batch_size or max_length, use "
            'method = "qlora", or choose a smaller base',
        )
    if estimate.total > device.available:
        free = f"{device.available / GIB:.1f} GiB are free"
        return PlanFinding(name, "note", f"{needed}; {has}, but only {free}")
    if estimate.total > CLOSE * device.total:
        return PlanFinding(name, "note", f"{needed}; {has}: little margin")
    return PlanFinding(name, "ok", f"{needed}; {has}")
