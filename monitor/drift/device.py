"""Compute devices: the CPU or CUDA, by torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def resolve_device(device: str | None) -> "torch.device":
    """Return the torch device of a name.

    Args:
        device: ``None`` or ``"cpu"``; ``"cuda"`` or ``"cuda:N"``; ``"auto"`` takes CUDA where it is
            available.

    Raises:
        ValueError: An unknown device, or one that is not available.
    """
    import torch  # noqa: PLC0415 - takes a second to import

    if device in (None, "cpu"):
        return torch.device("cpu")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = isinstance(device, str)
    if not known or not (device == "cuda" or (device.startswith("cuda:") and device[5:].isdigit())):
        raise ValueError(f"unknown device: {device!r}; use None, 'cpu', 'auto', 'cuda' or 'cuda:N'")
    if not torch.cuda.is_available():
        raise ValueError(f"no CUDA device is available: device {device!r}; use 'auto' or 'cpu'")
    return torch.device(device)
