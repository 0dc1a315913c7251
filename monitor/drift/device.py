"""Where the heavy arithmetic runs: one code path in torch, on the CPU or on CUDA."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def resolve_device(device: str | None) -> "torch.device":
    """Return the device to compute on.

    Args:
        device: ``None`` or ``"cpu"``; ``"cuda"`` or ``"cuda:N"``; ``"auto"`` takes CUDA where there
            is one.

    Raises:
        ValueError: The device isn't one of these, or isn't there.
    """
    import torch  # noqa: PLC0415 - takes a second to import

    if device in (None, "cpu"):
        return torch.device("cpu")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = isinstance(device, str)
    if not known or not (device == "cuda" or (device.startswith("cuda:") and device[5:].isdigit())):
        raise ValueError(f"device {device!r} isn't one of None, 'cpu', 'auto', 'cuda', 'cuda:N'")
    if not torch.cuda.is_available():
        raise ValueError(f"device {device!r}: torch sees no CUDA device here; pass 'auto' or 'cpu'")
    return torch.device(device)
